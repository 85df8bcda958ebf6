//! Port numbers that stay ours while the server behind them comes and goes.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process;

/// Below the numbers that systems give to outgoing connections (from 32768 on Linux). A client that knocks at a stopped
/// server's port from one of those could be given that very number, connect to itself, and keep the server out.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A TCP port on 127.0.0.1, for a server that is stopped and started.
pub struct Port {
    number: u16,
    /// The UDP port of the same number, which nobody needs: other test processes see that the number is taken even
    /// while no server listens, and it is free again however we die.
    _reservation: UdpSocket,
}

impl Port {
    /// Finds a free one.
    ///
    /// # Panics
    /// If all are taken.
    pub fn reserve() -> Self {
        // Not all from the same end: a straggler of an earlier run may still knock at the port that it knew.
        let start = (process::id() % 500) as u16 * 24;
        (0..COUNT)
            .map(|offset| FIRST + (start + offset) % COUNT)
            .find_map(|number| {
                let reservation = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
                TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
                Some(Self {
                    number,
                    _reservation: reservation,
                })
            })
            .expect("one port in twelve thousand is free")
    }

    /// The same until it is dropped.
    pub fn number(&self) -> u16 {
        self.number
    }
}
