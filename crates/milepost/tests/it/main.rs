//! Tests of the real program from outside: its processes, HTTP, sockets and mails.

mod check;
mod clients;
mod concurrency;
mod cuts;
mod demo;
mod embedded;
mod faults;
mod hostile_log;
mod installation;
mod killed;
mod outage;
mod read_only;
mod refusals;
mod replay;
mod resume;
mod scan;
mod schema;
mod settings;
mod slow;
mod stop;
mod stories;
mod story;
mod token;
