//! One POST to a shop's address: plain http, on loopback.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http::uri::{Scheme, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};

use crate::ipn::mail::Mail;

/// An address that notifications are posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    uri: Uri,
    host: String,
    port: u16,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum NotPosted {
    #[error("the address cannot be reached")]
    Connect(#[from] io::Error),
    #[error("the answer cannot be read")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be made")]
    Request(#[from] http::Error),
}

impl Address {
    /// Only what surely is this machine: the sandbox must not be a means to reach others.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "url: not a URL".to_owned())?;
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => {}
            Some(scheme) if *scheme == Scheme::HTTPS => {
                return Err(
                    "url: https is not supported; the sandbox posts over plain http on loopback".to_owned(),
                );
            }
            Some(_) | None => return Err("url: http://127.0.0.1:PORT/PATH".to_owned()),
        }
        let authority = uri.authority().ok_or("url: no host")?;
        if authority.as_str().contains('@') {
            return Err("url: no user name".to_owned());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let address: Option<std::net::IpAddr> = host.parse().ok();
        if host != "localhost" && !address.is_some_and(|address| address.is_loopback()) {
            return Err("url: a loopback address or localhost".to_owned());
        }
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self { uri, host, port })
    }

    pub(crate) fn url(&self) -> String {
        self.uri.to_string()
    }

    /// The status answered.
    pub(crate) async fn post(&self, mail: &Mail, envelope: String) -> Result<u16, NotPosted> {
        let found = lookup_host((self.host.as_str(), self.port)).await?;
        let loopback: Vec<SocketAddr> = found.filter(|address| address.ip().is_loopback()).collect();
        let stream = TcpStream::connect(loopback.as_slice()).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::post(path)
            .header("host", self.uri.authority().map_or("", |host| host.as_str()))
            .header("content-type", "text/plain; charset=UTF-8")
            .header("user-agent", "Amazon Simple Notification Service Agent")
            .header("x-amz-sns-message-type", "Notification")
            .header("x-amz-sns-message-id", &mail.message_id)
            .header("x-amz-sns-topic-arn", &mail.topic)
            .header("connection", "close")
            .body(Full::new(Bytes::from(envelope)))?;
        let exchange = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status().as_u16();
            // What it says beyond its status is of no interest, but it is let finish.
            let mut body = answer.into_body();
            while let Some(Ok(_)) = body.frame().await {}
            Ok::<_, hyper::Error>(status)
        };
        // The connection is driven until the exchange is over, and goes with it.
        tokio::pin!(exchange);
        tokio::select! {
            status = &mut exchange => Ok(status?),
            ended = connection => {
                ended?;
                Ok(exchange.await?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_posted_to() {
        for fine in [
            "http://127.0.0.1:8080/ipn?x=1",
            "http://localhost:3000",
            "http://[::1]:9/a",
            "http://127.9.9.9/",
        ] {
            assert!(Address::parse(fine).is_ok(), "{fine}");
        }
        for (refused, why) in [
            ("https://127.0.0.1/ipn", "https"),
            ("http://shop.example/ipn", "loopback"),
            ("http://10.0.0.1/ipn", "loopback"),
            ("http://127.0.0.1.example/ipn", "loopback"),
            ("http://user@127.0.0.1/ipn", "user"),
            ("ftp://127.0.0.1/", "http://"),
            ("/ipn", "http://"),
            ("", "not a URL"),
        ] {
            let said = Address::parse(refused).unwrap_err();
            assert!(said.contains(why), "{refused}: {said}");
        }
    }
}
