//! One client's connection, one request after the other.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use wire::{Delivery, Head, Incoming, Limits, Refused, Upgraded};

use super::line::{Line, Shared};
use super::outbox::Outbox;
use super::passing::{Asked, Cut, Fill, Passing, delivery, says_close};
use crate::server::state::{ConnectionState, Phase, Verdict};

/// How long a client that is told something early may go on sending, so that it reads what it is told.
const LINGER: Duration = Duration::from_secs(5);

/// Who answers.
pub(in crate::server) trait Service {
    /// An answer's body.
    type Body: Body<Data = Bytes> + Unpin;

    /// How long heads may be.
    fn limits(&self) -> Limits;
    /// The date as heads say it.
    fn date(&self) -> [u8; 29];
    /// Answers a request.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Self::Body>>;
    /// Answers what is no request.
    fn refuse(&self, refused: Refused) -> Response<Self::Body>;
    /// Answers a head that does not come.
    fn too_slow(&self) -> Response<Self::Body>;
}

/// Serves a client until it leaves, is too slow, or is asked to leave; or gives the connection back, with what was read of
/// it, because HTTP/2 is spoken on it.
pub(in crate::server) async fn serve<I, S>(
    line: Line<I>,
    state: &ConnectionState,
    service: &S,
) -> Option<(I, Bytes)>
where
    I: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Service,
{
    let connection = Connection {
        line: Rc::new(RefCell::new(line)),
        state,
        service,
    };
    while connection.one().await == Next::Request {
        state.enter(Phase::Idle);
    }
    // Who still has a handle of a body must not keep the socket open.
    connection.line.borrow_mut().close()
}

struct Connection<'a, I, S> {
    line: Shared<I>,
    state: &'a ConnectionState,
    service: &'a S,
}

/// What a connection does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Request,
    End,
}

/// What a client sent.
enum Came {
    Request(Box<Head>),
    Refused(Refused),
    TooSlow,
    Nothing,
}

impl<I, S> Connection<'_, I, S>
where
    I: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Service,
{
    async fn one(&self) -> Next {
        let limits = self.service.limits();
        let head = match poll_fn(|cx| self.poll_came(cx, limits)).await {
            Came::Request(head) => head,
            Came::Nothing => return Next::End,
            Came::Refused(refused) => return self.refuse(self.service.refuse(refused)).await,
            Came::TooSlow => return self.refuse(self.service.too_slow()).await,
        };
        self.state.enter(Phase::Busy);
        let begun = self.line.borrow_mut().begin(&head);
        let number = match begun {
            Ok(number) => number,
            Err(refused) => return self.refuse(self.service.refuse(refused)).await,
        };
        let asked = Asked {
            is_head: *head.request.method() == Method::HEAD,
            version: head.request.version(),
            keeps_alive: head.keeps_alive,
        };
        let line = Rc::clone(&self.line);
        let body = Incoming::new(line, number);
        let answering = self.service.answer(head.request.map(|()| body));
        let Some(answer) = self.answered(answering).await else {
            self.line.borrow_mut().end();
            return Next::End;
        };
        let next = self.write(answer, asked).await;
        self.line.borrow_mut().end();
        match next {
            Ok(Next::Request) => Next::Request,
            Ok(Next::End) => {
                self.part().await;
                Next::End
            }
            Err(Cut) => Next::End,
        }
    }

    fn poll_came(&self, cx: &mut Context<'_>, limits: Limits) -> Poll<Came> {
        self.state.waker.register(cx.waker());
        let mut line = self.line.borrow_mut();
        let verdict = self.state.verdict();
        match verdict {
            Verdict::Abort => return Poll::Ready(Came::Nothing),
            Verdict::HeadTimeout => return Poll::Ready(Came::TooSlow),
            Verdict::Close | Verdict::None => {}
        }
        match line.poll_head(cx, limits) {
            Poll::Ready(Ok(Some(head))) => Poll::Ready(Came::Request(Box::new(head))),
            Poll::Ready(Ok(None)) => Poll::Ready(Came::Nothing),
            Poll::Ready(Err(refused)) => Poll::Ready(Came::Refused(refused)),
            // Nobody loses a request that has begun to come.
            Poll::Pending if verdict == Verdict::Close && line.is_idle() => {
                Poll::Ready(Came::Nothing)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Waits for the answer, unless the client goes.
    async fn answered<F: Future<Output = Response<S::Body>>>(
        &self,
        answering: F,
    ) -> Option<Response<S::Body>> {
        let mut answering = pin!(answering);
        poll_fn(|cx| {
            self.state.waker.register(cx.waker());
            if self.state.verdict() == Verdict::Abort {
                return Poll::Ready(None);
            }
            if let Poll::Ready(answer) = answering.as_mut().poll(cx) {
                return Poll::Ready(Some(answer));
            }
            let mut line = self.line.borrow_mut();
            if let Poll::Ready(Err(_)) = line.poll_interim(cx) {
                return Poll::Ready(None);
            }
            line.poll_gone(cx).map(|()| None)
        })
        .await
    }

    async fn refuse(&self, answer: Response<S::Body>) -> Next {
        self.state.enter(Phase::Busy);
        let asked = Asked {
            is_head: false,
            version: Version::HTTP_11,
            keeps_alive: false,
        };
        if self.write(answer, asked).await.is_ok() {
            self.part().await;
        }
        Next::End
    }

    async fn write(&self, answer: Response<S::Body>, asked: Asked) -> Result<Next, Cut> {
        let (parts, mut body) = answer.into_parts();
        let delivery = delivery(parts.status, &parts.headers, &body, asked);
        let is_switch = parts.status == StatusCode::SWITCHING_PROTOCOLS;
        let may_be_read = poll_fn(|cx| Poll::Ready(self.answer_begins(cx))).await;
        let mut keeps_alive = asked.keeps_alive
            && may_be_read
            && delivery != Delivery::Close
            && self.state.verdict() != Verdict::Close
            && (is_switch || !says_close(&parts.headers));
        let connection: &[u8] = match (is_switch, keeps_alive, asked.version) {
            (true, ..) | (false, true, Version::HTTP_11) => b"",
            (false, true, _) => b"keep-alive",
            (false, false, _) => b"close",
        };
        let mut outbox = Outbox::default();
        outbox.flat(|out| {
            out.reserve(1024);
            let date = self.service.date();
            wire::write_head(
                out,
                parts.status,
                &parts.headers,
                delivery,
                connection,
                &date,
            );
        });
        let has_body = !matches!(delivery, Delivery::None | Delivery::Head);
        let mut passing = Passing {
            body: has_body.then_some(&mut body),
            left: match delivery {
                Delivery::Length(length) => Some(length),
                _ => None,
            },
            delivery,
        };
        poll_fn(|cx| self.poll_write(&mut outbox, &mut passing, cx)).await?;
        drop(body);
        if is_switch {
            self.switch();
            return Ok(Next::End);
        }
        keeps_alive &= self.line.borrow().is_read();
        Ok(if keeps_alive {
            Next::Request
        } else {
            Next::End
        })
    }

    /// Whether all of the request's body has been read or still may be; a client that was never told to send it may do so
    /// or not.
    fn answer_begins(&self, cx: &mut Context<'_>) -> bool {
        let is_wanted = Rc::strong_count(&self.line) > 1;
        let mut line = self.line.borrow_mut();
        line.answer_begins();
        if !is_wanted {
            line.skim(cx);
        }
        line.is_read() || is_wanted && !line.is_waiting()
    }

    fn poll_write(
        &self,
        outbox: &mut Outbox,
        passing: &mut Passing<'_, S::Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Cut>> {
        self.state.waker.register(cx.waker());
        if self.state.verdict() == Verdict::Abort {
            return Poll::Ready(Err(Cut));
        }
        loop {
            // The body first: it must not be asked while the line is lent.
            let more = passing.poll_fill(outbox, cx);
            let mut line = self.line.borrow_mut();
            if line.poll_interim(cx).map_err(|_| Cut)?.is_pending() {
                self.state.wrote(true);
                return Poll::Pending;
            }
            let Some(io) = line.io() else {
                return Poll::Ready(Err(Cut));
            };
            if !outbox.is_empty() {
                let written = outbox.poll_write(io, cx);
                self.state.wrote(written.is_pending());
                if ready!(written).is_err() {
                    return Poll::Ready(Err(Cut));
                }
                line.is_taking();
            }
            match more {
                Poll::Ready(Ok(Fill::End)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(Fill::Full)) => {}
                Poll::Ready(Err(Cut)) => return Poll::Ready(Err(Cut)),
                Poll::Pending => return line.poll_gone(cx).map(|()| Err(Cut)),
            }
        }
    }

    /// Hands the connection to whoever asked for it.
    fn switch(&self) {
        if let Some((wanted, io, read)) = self.line.borrow_mut().hand_over() {
            let io = Box::new(io);
            // Who asked may have given up; then the connection ends here.
            let _ = wanted.send(Upgraded { io, read });
        }
    }

    /// Says that nothing more comes, and reads what the client has on its way: a socket that is closed with something
    /// unread takes back what was written to it.
    async fn part(&self) {
        self.state.enter(Phase::Tunnel);
        let closing = poll_fn(|cx| {
            let mut line = self.line.borrow_mut();
            match line.io() {
                Some(io) => Pin::new(io).poll_shutdown(cx),
                None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            }
        });
        let parting = async {
            closing.await?;
            while poll_fn(|cx| self.line.borrow_mut().poll_discard(cx)).await? > 0 {}
            Ok::<_, io::Error>(())
        };
        // Whoever is not done by then has been told for long enough.
        let _ = tokio::time::timeout(LINGER, parting).await;
    }
}

#[cfg(test)]
mod tests;
