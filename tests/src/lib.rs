//! The common parts of the tests of the whole product.
//!
//! - For tests in the process: databases, a shop with a clock that the test advances, signed webhooks of carriers, and
//!   servers that fail on demand.
//! - For tests of the program: processes, and clients that talk to them as users do.

pub mod database;
pub mod disk;
pub mod faults;
pub mod front;
pub mod http;
pub mod log;
pub mod node;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod shop;
pub mod signal;
pub mod smtp;
pub mod socket;
pub mod statements;
pub mod wait;

/// Makes one test for each database from an async function: `on_every_database!(a_name, …)`. The function takes the
/// [`database::Database`].
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
