//! A connection of its own for what must be told in order: it ends when it is lost.
//!
//! The driver keeps what waits for a connection that was lost, and sends it when the connection is there again. A broker that was
//! killed may have forgotten what it had acknowledged before; what was kept back would then be told without that, and
//! what has to be told again would come after it. So this connection never comes again, and what waits for it is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_nats::jetstream::{Context, context};
use async_nats::{Auth, AuthError, ConnectOptions};

use crate::connection::{CALL_DEADLINE, CLIENT_CAPACITY, Login};
use crate::publish::{Outgoing, Storing, send_over};
use crate::{Bus, Unavailable};

/// Publishes until its connection is lost.
pub struct Teller {
    jetstream: Context,
}

impl Bus {
    /// Connects for telling.
    ///
    /// # Errors
    /// When NATS cannot be reached within five seconds.
    pub async fn teller(&self) -> Result<Teller, Unavailable> {
        let login = Login::of(&self.addresses);
        let inbox = login.inbox();
        let is_used = Arc::new(AtomicBool::new(false));
        let authenticate = move |_nonce: Vec<u8>| {
            // Asked each time that it connects.
            let is_again = is_used.swap(true, Ordering::Relaxed);
            let login = login.clone();
            async move {
                if is_again {
                    return Err(AuthError::new("a connection for telling is not made again"));
                }
                let mut auth = Auth::new();
                auth.username = login.user;
                auth.password = login.password;
                auth.token = login.token;
                Ok(auth)
            }
        };
        let connecting = ConnectOptions::with_auth_callback(authenticate)
            .custom_inbox_prefix(inbox)
            .name(format!("{} (telling)", self.name))
            .client_capacity(CLIENT_CAPACITY)
            .connection_timeout(CALL_DEADLINE)
            .max_reconnects(self.addresses.len())
            .connect(self.addresses.to_vec());
        let client = tokio::time::timeout(CALL_DEADLINE, connecting)
            .await
            .map_err(|_| Unavailable::new("connecting took too long"))?
            .map_err(Unavailable::new)?;
        let jetstream =
            context::ContextBuilder::new().timeout(CALL_DEADLINE).ack_timeout(CALL_DEADLINE).build(client);
        Ok(Teller { jetstream })
    }
}

impl Teller {
    /// Sends all of them in order, and gives what waits until each is stored.
    ///
    /// # Errors
    /// When any cannot be sent: then any part may be stored. Always when the connection has been lost.
    pub async fn publish(&self, messages: &[Outgoing]) -> Result<Storing, Unavailable> {
        send_over(&self.jetstream, messages).await
    }
}
