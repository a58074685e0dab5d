//! What was written: orders and payments, in a journal that all stubs of one machine share.
//!
//! A stub reads what others have appended before it answers. An append happens under the file's lock, behind a look at
//! what is there, so that two processes never give one id twice. What is torn by a crash has no line break and is
//! written over by the next append.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::data::{Data, ORDERS, Order, OrderStatus};

/// The data set, and what was written since.
#[derive(Debug)]
pub struct Store {
    data: Data,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    journal: File,
    /// How far it has been read.
    read: u64,
    /// Orders that were placed or changed.
    orders: BTreeMap<u64, Order>,
    payments: BTreeMap<u64, Payment>,
}

/// Money that was taken, and perhaps given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// From 1.
    pub id: u64,
    /// For which order.
    pub order: u64,
    /// By whom.
    pub user: u64,
    /// In minor units.
    pub amount: u64,
    /// `card` and the like.
    pub method: String,
    /// Where it stands.
    pub status: PaymentStatus,
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Taken.
    Charged,
    /// Given back.
    Refunded,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Order(Order),
    Payment(Payment),
}

impl Store {
    /// Opens the journal in `folder`, which is made if it is missing.
    pub fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let path = folder.join("journal.jsonl");
        let journal = File::options()
            .create(true)
            .read(true)
            .append(true)
            .open(path)?;
        let inner = Inner {
            journal,
            read: 0,
            orders: BTreeMap::new(),
            payments: BTreeMap::new(),
        };
        Ok(Self {
            data: Data::generate(),
            inner: Mutex::new(inner),
        })
    }

    /// What never changes.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// An order as it is now.
    pub fn order(&self, id: u64) -> io::Result<Option<Order>> {
        self.with(|inner, data| {
            inner.catch_up()?;
            Ok(inner.order(id, data))
        })
    }

    /// A user's orders, the newest first.
    pub fn orders_of(&self, user: u64) -> io::Result<Vec<Order>> {
        self.with(|inner, data| {
            inner.catch_up()?;
            let newest = inner
                .orders
                .keys()
                .next_back()
                .copied()
                .unwrap_or(0)
                .max(ORDERS);
            let all = (1..=newest).rev().filter_map(|id| inner.order(id, data));
            Ok(all.filter(|order| order.user == user).collect())
        })
    }

    /// Places an order; its id is set here.
    pub fn place(&self, order: Order) -> io::Result<Order> {
        self.with(|inner, _| {
            inner.locked(|inner| {
                let last = inner
                    .orders
                    .keys()
                    .next_back()
                    .copied()
                    .unwrap_or(0)
                    .max(ORDERS);
                let order = Order {
                    id: last + 1,
                    ..order
                };
                inner.append(&Entry::Order(order.clone()))?;
                Ok(order)
            })
        })
    }

    /// Cancels an order that is only placed; any other comes back as it is.
    pub fn cancel(&self, id: u64) -> io::Result<Option<Order>> {
        self.with(|inner, data| {
            inner.locked(|inner| {
                let Some(mut order) = inner.order(id, data) else {
                    return Ok(None);
                };
                if order.status == OrderStatus::Placed {
                    order.status = OrderStatus::Cancelled;
                    inner.append(&Entry::Order(order.clone()))?;
                }
                Ok(Some(order))
            })
        })
    }

    /// A payment as it is now.
    pub fn payment(&self, id: u64) -> io::Result<Option<Payment>> {
        self.with(|inner, _| {
            inner.catch_up()?;
            Ok(inner.payments.get(&id).cloned())
        })
    }

    /// Takes money for an order that is paid for by nobody yet; the id is set here. `None` when it is paid already.
    pub fn charge(&self, payment: Payment) -> io::Result<Option<Payment>> {
        self.with(|inner, _| {
            inner.locked(|inner| {
                let mut earlier = inner.payments.values();
                if earlier.any(|paid| {
                    paid.order == payment.order && paid.status == PaymentStatus::Charged
                }) {
                    return Ok(None);
                }
                let last = inner.payments.keys().next_back().copied().unwrap_or(0);
                let payment = Payment {
                    id: last + 1,
                    ..payment
                };
                inner.append(&Entry::Payment(payment.clone()))?;
                Ok(Some(payment))
            })
        })
    }

    /// Gives money back; what was given back before stays so.
    pub fn refund(&self, id: u64) -> io::Result<Option<Payment>> {
        self.with(|inner, _| {
            inner.locked(|inner| {
                let Some(mut payment) = inner.payments.get(&id).cloned() else {
                    return Ok(None);
                };
                if payment.status == PaymentStatus::Charged {
                    payment.status = PaymentStatus::Refunded;
                    inner.append(&Entry::Payment(payment.clone()))?;
                }
                Ok(Some(payment))
            })
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner, &Data) -> io::Result<T>) -> io::Result<T> {
        work(
            &mut self.inner.lock().unwrap_or_else(PoisonError::into_inner),
            &self.data,
        )
    }
}

impl Inner {
    fn order(&self, id: u64, data: &Data) -> Option<Order> {
        let at = usize::try_from(id.checked_sub(1)?).ok()?;
        self.orders
            .get(&id)
            .or_else(|| data.orders.get(at))
            .cloned()
    }

    /// Reads what others have appended, up to the last whole line.
    fn catch_up(&mut self) -> io::Result<()> {
        self.journal.seek(SeekFrom::Start(self.read))?;
        let mut text = Vec::new();
        self.journal.read_to_end(&mut text)?;
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        for line in text[..whole]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            match serde_json::from_slice(line).map_err(io::Error::other)? {
                Entry::Order(order) => {
                    self.orders.insert(order.id, order);
                }
                Entry::Payment(payment) => {
                    self.payments.insert(payment.id, payment);
                }
            }
        }
        self.read += whole as u64;
        Ok(())
    }

    fn locked<T>(&mut self, work: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<T> {
        self.journal.lock()?;
        let done = self.catch_up().and_then(|()| {
            // A torn line of somebody who crashed.
            self.journal.set_len(self.read)?;
            work(self)
        });
        self.journal.unlock()?;
        done
    }

    fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry).map_err(io::Error::other)?;
        line.push(b'\n');
        self.journal.write_all(&line)?;
        self.catch_up()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Item;

    fn order(user: u64) -> Order {
        Order {
            id: 0,
            user,
            status: OrderStatus::Placed,
            created: 7,
            items: vec![Item {
                product: 1,
                quantity: 1,
                price: 5,
            }],
            total: 5,
            currency: "EUR".into(),
        }
    }

    #[test]
    fn what_one_store_writes_another_reads() {
        let folder = tempfile::tempdir().unwrap();
        let [left, right] = [(), ()].map(|()| Store::open(folder.path()).unwrap());
        let first = left.place(order(3)).unwrap();
        let second = right.place(order(3)).unwrap();
        assert_eq!((first.id, second.id), (601, 602));
        assert_eq!(left.order(602).unwrap().unwrap(), second);
        assert_eq!(
            right.cancel(601).unwrap().unwrap().status,
            OrderStatus::Cancelled
        );
        assert_eq!(
            left.order(601).unwrap().unwrap().status,
            OrderStatus::Cancelled
        );
        assert_eq!(left.orders_of(3).unwrap()[0].id, 602);
        assert_eq!(left.order(603).unwrap(), None);
        assert_eq!(left.order(0).unwrap(), None);
    }

    #[test]
    fn a_torn_line_is_no_entry_and_does_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.place(order(1)).unwrap();
        let path = folder.path().join("journal.jsonl");
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"order\":{\"id\":")
            .unwrap();
        let again = Store::open(folder.path()).unwrap();
        assert_eq!(again.place(order(1)).unwrap().id, 602);
        assert_eq!(store.order(602).unwrap().unwrap().id, 602);
        assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 2);
    }
}
