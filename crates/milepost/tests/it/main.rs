//! Tests of the real binary, from outside: processes, HTTP, sockets, mails.

mod check;
mod demo;
mod embedded;
mod hostile_log;
mod installation;
mod killed;
mod outage;
mod refusals;
mod replay;
mod resume;
mod rivals;
mod scan;
mod settings;
mod slow;
mod stop;
mod stories;
mod story;
mod token;
