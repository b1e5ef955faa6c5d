//! The SMTP sessions of the mail server.

use std::io::{ErrorKind, Result};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{Behaviour, ReceivedMail, Shared};

/// Accepts connections until the task is aborted, which also ends their sessions.
pub(super) async fn listen(listener: TcpListener, shared: Shared) {
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.send_modify(|n| *n += 1);
        // A session fails if the client disconnects. That is no error of the test.
        sessions.spawn(session(stream, shared.clone()));
    }
}

async fn session(stream: TcpStream, shared: Shared) -> Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let (mut from, mut to) = (String::new(), Vec::new());
    let closed = || *shared.behaviour.borrow() == Behaviour::Closed;
    if closed() {
        shared.attempts.send_modify(|n| *n += 1);
        return Ok(());
    }
    write.write_all(b"220 test ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        if closed() {
            return Ok(());
        }
        let behaviour = shared.behaviour.borrow().clone();
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match (verb.as_str(), &behaviour) {
            ("EHLO", _) => "250-test\r\n250 AUTH PLAIN LOGIN".to_owned(),
            ("AUTH", Behaviour::RefuseLogin) => "535 5.7.8 bad user or password".to_owned(),
            ("AUTH", _) => "235 welcome".to_owned(),
            ("MAIL", _) => {
                shared.attempts.send_modify(|n| *n += 1);
                (from, to) = (address(&line), Vec::new());
                if let Behaviour::RefuseSender(code, text) = behaviour {
                    format!("{code} {text}")
                } else {
                    "250 ok".to_owned()
                }
            }
            ("RCPT", Behaviour::RefuseRecipient(code, text)) => format!("{code} {text}"),
            ("RCPT", Behaviour::Greylist) => "451 4.7.1 greylisted, come again later".to_owned(),
            ("RCPT", _) => {
                to.push(address(&line));
                "250 ok".to_owned()
            }
            ("DATA", _) => {
                write.write_all(b"354 go on\r\n").await?;
                let data = content(&mut lines).await?;
                let mail = ReceivedMail { from: from.clone(), to: to.clone(), data };
                match settle(mail, &shared).await {
                    Some(answer) => answer,
                    None => return Ok(()),
                }
            }
            ("NOOP" | "RSET", _) => "250 ok".to_owned(),
            ("QUIT", _) => {
                return write.write_all(b"221 bye\r\n").await;
            }
            _ => format!("502 {verb}?"),
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// Handles a mail whose content was read. Returns the answer, or `None` to close the connection.
async fn settle(mail: ReceivedMail, shared: &Shared) -> Option<String> {
    let keep = |mail| shared.mails.send_modify(|mails| mails.push(mail));
    let behaviour = shared.behaviour.borrow().clone();
    match behaviour {
        Behaviour::RefuseContent(code, text) => Some(format!("{code} {text}")),
        Behaviour::Closed => None,
        Behaviour::DropAfterData => {
            keep(mail);
            None
        }
        Behaviour::Hang => {
            keep(mail);
            let mut changes = shared.behaviour.subscribe();
            changes.wait_for(|behaviour| *behaviour != Behaviour::Hang).await.ok()?;
            Some("250 taken at last".to_owned())
        }
        Behaviour::Accept
        | Behaviour::RefuseLogin
        | Behaviour::RefuseSender(..)
        | Behaviour::RefuseRecipient(..)
        | Behaviour::Greylist => {
            keep(mail);
            Some("250 taken".to_owned())
        }
    }
}

/// Reads the content up to the line with a single dot.
async fn content<R: AsyncBufReadExt + Unpin>(lines: &mut Lines<R>) -> Result<String> {
    let mut data = String::new();
    while let Some(line) = lines.next_line().await? {
        if line == "." {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
        data.push_str("\r\n");
    }
    Err(ErrorKind::UnexpectedEof.into())
}

/// Returns the text between the angle brackets of a command.
fn address(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or(String::new(), |(address, _)| address.to_owned())
}
