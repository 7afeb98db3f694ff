//! Connections: accepted, bounded in number and time, with TLS or without.
//!
//! Whoever is at the other end may be slow, silent or hostile: a handshake, the
//! head of a request, the pause before the next, and a write that nobody reads
//! each have a limit, and so has everything's size. An answer that was given
//! before a body was read is still delivered: closing with unread bytes would
//! make the kernel throw it away.

use std::{future::poll_fn, io, pin::Pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{
    Request, body::Incoming, server::conn::http1, service::Service as _, service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use super::{access::Peer, certificate, metrics, tls};

/// Connections open at once; the next ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 512;

const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// For the head of a request, and for the pause before the next one.
const HEAD_MAX: Duration = Duration::from_secs(15);

/// For the other end to take what was written.
const WRITE_MAX: Duration = Duration::from_secs(30);

/// A token and the usual headers have less than 1 KiB.
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;

/// How long and how much of a body is passed over that nobody wants.
const LINGER_MAX: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: u64 = 32 << 20;

/// When no file descriptor is left.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// How long requests that are being answered have when the process stops.
const STOP_MAX: Duration = Duration::from_secs(5);

/// Accepts until `stop` is done, and then waits for what is being answered.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<tls::Current>,
    stop: impl Future<Output = ()> + Send,
) {
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        while connections.try_join_next().is_some() {}
        metrics::connections(connections.len());
        let is_full = connections.len() >= CONNECTIONS_MAX;
        tokio::select! {
            () = &mut stop => break,
            _ = connections.join_next(), if is_full => {}
            accepted = listener.accept(), if !is_full => match accepted {
                Ok((stream, _)) => {
                    let config = tls.as_ref().map(|current| Arc::clone(&current.borrow()));
                    let peer = connection(stream, config, router.clone(), stopped.clone());
                    connections.spawn(peer);
                }
                // It went away while it waited.
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    metrics::accept_failed(&error);
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            },
        }
    }
    drop(listener);
    stopping.send_replace(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    // What is still open after that is cut off with the set.
    timeout(STOP_MAX, ended).await.ok();
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn connection(
    stream: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    stopped: watch::Receiver<bool>,
) {
    // Answers are written whole; waiting to fill a packet only delays them.
    stream.set_nodelay(true).ok();
    let Some(config) = tls else {
        speak(stream, Peer::default(), router, stopped).await.ok();
        return;
    };
    let handshake = TlsAcceptor::from(config).accept(stream);
    match timeout(HANDSHAKE_MAX, handshake).await {
        Ok(Ok(stream)) => {
            let chain = stream.get_ref().1.peer_certificates();
            let leaf = chain.and_then(<[_]>::first);
            let names = leaf.map(|leaf| certificate::dns_names(leaf));
            speak(stream, Peer { names }, router, stopped).await.ok();
        }
        Ok(Err(error)) => metrics::handshake_failed(&error),
        Err(late) => metrics::handshake_failed(&late),
    }
}

/// Answers the requests of one connection. An error is the other end's business.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    peer: Peer,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_MAX));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.call(request)
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = poll_fn(|context| connection.poll_without_shutdown(context)) => {
                ended.map_err(io::Error::other)?;
                break;
            }
            _ = stopped.wait_for(|stopped| *stopped), if !is_stopping => {
                is_stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    linger(connection.into_parts().io.into_inner()).await
}

/// Ends what is written, and passes over what still comes for a while.
async fn linger(mut stream: Pin<Box<impl AsyncRead + AsyncWrite>>) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = stream.take(LINGER_BYTES_MAX);
    let mut nowhere = tokio::io::sink();
    let passed_over = tokio::io::copy(&mut rest, &mut nowhere);
    timeout(LINGER_MAX, passed_over).await??;
    Ok(())
}
