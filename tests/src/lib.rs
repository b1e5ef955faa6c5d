//! What the tests of the whole product stand on: a database of their own, a clock that stands, a shop with
//! customers, carriers that sign their webhooks, and servers that can be told to fail. For the binary itself: a
//! program that is run, and clients that talk to it as users do.

pub mod database;
pub mod disk;
pub mod faults;
pub mod front;
pub mod http;
pub mod log;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod shop;
pub mod smtp;
pub mod socket;
pub mod wait;

/// Makes one test of an async function for every database: `on_every_database!(a_name, …)`. The function takes
/// the [`database::Database`].
#[macro_export]
macro_rules! on_every_database {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test($crate::database::Database::sqlite().await).await
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    if let Some(database) = $crate::database::Database::postgres().await {
                        super::$test(database).await
                    }
                }
            )+
        }
    };
}
