//! The shop's data: the same on every machine and in every process, made from a fixed seed.

use serde::{Deserialize, Serialize};

/// How many products there are, with ids from 1.
pub const PRODUCTS: u64 = 240;
/// How many users there are, with ids from 1.
pub const USERS: u64 = 60;
/// How many orders there are before anybody orders.
pub const ORDERS: u64 = 600;
/// How many reviews there are.
pub const REVIEWS: u64 = 2_000;

/// 2026-01-01T00:00:00Z, seconds since 1970: when the first order was placed.
const OPENED: u64 = 1_767_225_600;

/// All of it.
#[derive(Debug)]
pub struct Data {
    /// By id, from 1.
    pub products: Vec<Product>,
    /// By id, from 1.
    pub users: Vec<User>,
    /// By id, from 1.
    pub orders: Vec<Order>,
    /// By id, from 1.
    pub reviews: Vec<Review>,
    /// Pieces in stock, by product.
    pub stock: Vec<u64>,
    /// Other products that go with one, by product.
    pub related: Vec<Vec<u64>>,
}

/// Something that is sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Product {
    /// From 1.
    pub id: u64,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Where it stands in the shop.
    pub category: &'static str,
    /// In minor units of the currency.
    pub price: u64,
    /// ISO 4217.
    pub currency: &'static str,
    /// Addresses of pictures, the main one first.
    pub images: Vec<String>,
}

/// Somebody who buys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// From 1.
    pub id: u64,
    /// First and last name.
    pub name: String,
    /// Where mail goes.
    pub email: String,
    /// `standard` or `gold`.
    pub plan: &'static str,
    /// Groups, as tokens name them.
    pub groups: Vec<&'static str>,
}

/// What somebody thinks of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Review {
    /// From 1.
    pub id: u64,
    /// Of which product.
    pub product: u64,
    /// By whom.
    pub user: u64,
    /// 1 to 5.
    pub stars: u64,
    /// In words.
    pub text: &'static str,
}

/// What somebody bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// From 1.
    pub id: u64,
    /// Who.
    pub user: u64,
    /// How far it is.
    pub status: OrderStatus,
    /// Seconds since 1970.
    pub created: u64,
    /// What.
    pub items: Vec<Item>,
    /// In minor units.
    pub total: u64,
    /// ISO 4217.
    pub currency: String,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Which product.
    pub product: u64,
    /// How many.
    pub quantity: u64,
    /// One piece, in minor units.
    pub price: u64,
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// It can still be cancelled.
    Placed,
    /// It cannot.
    Shipped,
    /// It has arrived.
    Delivered,
    /// It was taken back.
    Cancelled,
}

const THINGS: [(&str, &str); 12] = [
    ("kettle", "kitchen"),
    ("lamp", "living"),
    ("chair", "living"),
    ("teapot", "kitchen"),
    ("blanket", "bedroom"),
    ("clock", "living"),
    ("knife", "kitchen"),
    ("mirror", "bedroom"),
    ("rake", "garden"),
    ("basket", "garden"),
    ("towel", "bathroom"),
    ("shelf", "living"),
];
const KINDS: [&str; 10] = [
    "Copper", "Oak", "Linen", "Blue", "Small", "Folding", "Walnut", "Enamel", "Striped", "Plain",
];
const MAKERS: [&str; 8] = [
    "Aldor", "Bexley", "Corvi", "Dunmore", "Estrel", "Fjord", "Galen", "Hollis",
];
const FIRST: [&str; 12] = [
    "Alice", "Bob", "Carla", "Deniz", "Eva", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kemi",
    "Lena",
];
const LAST: [&str; 10] = [
    "Adler", "Brandt", "Costa", "Dahl", "Eriksen", "Fuchs", "Garcia", "Haas", "Ivanova", "Jansen",
];
const OPINIONS: [&str; 8] = [
    "Does what it should.",
    "I would buy it again.",
    "Smaller than I thought.",
    "A fine piece of work.",
    "It broke after a month.",
    "Good value.",
    "The colour is not as shown.",
    "My neighbours want one too.",
];

/// Knuth's multiplier: good enough to scatter, the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let at = self.below(list.len() as u64);
        &list[usize::try_from(at).unwrap_or(0)]
    }
}

impl Data {
    /// Makes it.
    pub fn generate() -> Self {
        let mut dice = Dice(2026);
        let products: Vec<Product> = (1..=PRODUCTS).map(|id| product(id, &mut dice)).collect();
        let users = (1..=USERS).map(|id| user(id, &mut dice)).collect();
        let orders = (1..=ORDERS)
            .map(|id| order(id, &products, &mut dice))
            .collect();
        let reviews = (1..=REVIEWS).map(|id| review(id, &mut dice)).collect();
        let stock = (1..=PRODUCTS)
            .map(|_| dice.below(4) * dice.below(60))
            .collect();
        let related = (1..=PRODUCTS).map(|id| related(id, &mut dice)).collect();
        Self {
            products,
            users,
            orders,
            reviews,
            stock,
            related,
        }
    }

    /// A product by its id.
    pub fn product(&self, id: u64) -> Option<&Product> {
        by_id(&self.products, id)
    }

    /// A user by id.
    pub fn user(&self, id: u64) -> Option<&User> {
        by_id(&self.users, id)
    }

    /// How many pieces of a product there are.
    pub fn in_stock(&self, product: u64) -> Option<u64> {
        by_id(&self.stock, product).copied()
    }

    /// What goes with a product.
    pub fn related_to(&self, product: u64) -> Option<&[u64]> {
        by_id(&self.related, product).map(Vec::as_slice)
    }
}

/// Whose account a caller uses: a number from 1 to 60 is itself, any other name always the same one of them.
pub fn user_of(subject: &str) -> u64 {
    if let Ok(id) = subject.parse::<u64>()
        && (1..=USERS).contains(&id)
    {
        return id;
    }
    // FNV-1a.
    let hash = subject
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    hash % USERS + 1
}

fn by_id<T>(list: &[T], id: u64) -> Option<&T> {
    usize::try_from(id.checked_sub(1)?)
        .ok()
        .and_then(|at| list.get(at))
}

fn product(id: u64, dice: &mut Dice) -> Product {
    let (thing, category) = *dice.one_of(&THINGS);
    let (kind, maker) = (*dice.one_of(&KINDS), *dice.one_of(&MAKERS));
    let pictures = 2 + dice.below(4);
    Product {
        id,
        name: format!("{kind} {thing} by {maker}"),
        description: format!(
            "{} {thing} for the {category}, made by {maker}. It keeps for years, and every part of it can be replaced.",
            match kind {
                "Oak" | "Enamel" => format!("An {}", kind.to_lowercase()),
                _ => format!("A {}", kind.to_lowercase()),
            }
        ),
        category,
        price: 295 + 5 * dice.below(4_000),
        currency: "EUR",
        images: (1..=pictures)
            .map(|n| format!("/images/products/{id}/{n}.jpg"))
            .collect(),
    }
}

fn user(id: u64, dice: &mut Dice) -> User {
    let (first, last) = (*dice.one_of(&FIRST), *dice.one_of(&LAST));
    User {
        id,
        name: format!("{first} {last}"),
        email: format!(
            "{}.{}{id}@mail.example",
            first.to_lowercase(),
            last.to_lowercase()
        ),
        plan: if id.is_multiple_of(7) {
            "gold"
        } else {
            "standard"
        },
        groups: if id.is_multiple_of(10) {
            vec!["internal-testers"]
        } else {
            vec![]
        },
    }
}

fn review(id: u64, dice: &mut Dice) -> Review {
    Review {
        id,
        product: 1 + dice.below(PRODUCTS),
        user: 1 + dice.below(USERS),
        stars: 1 + dice.below(5),
        text: dice.one_of::<&str>(&OPINIONS),
    }
}

fn order(id: u64, products: &[Product], dice: &mut Dice) -> Order {
    let items: Vec<Item> = (0..=dice.below(5))
        .map(|_| {
            let product = dice.one_of(products);
            Item {
                product: product.id,
                quantity: 1 + dice.below(3),
                price: product.price,
            }
        })
        .collect();
    let status = [
        OrderStatus::Placed,
        OrderStatus::Shipped,
        OrderStatus::Delivered,
        OrderStatus::Cancelled,
    ];
    Order {
        id,
        user: 1 + (id - 1) % USERS,
        status: *dice.one_of(&status),
        created: OPENED + id * 7_200,
        total: total(&items),
        items,
        currency: "EUR".to_owned(),
    }
}

/// What the items cost together.
pub fn total(items: &[Item]) -> u64 {
    items
        .iter()
        .map(|item| item.price.saturating_mul(item.quantity))
        .fold(0, u64::saturating_add)
}

fn related(id: u64, dice: &mut Dice) -> Vec<u64> {
    let mut others: Vec<u64> = Vec::new();
    while others.len() < 4 {
        let other = 1 + dice.below(PRODUCTS);
        if other != id && !others.contains(&other) {
            others.push(other);
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_the_same_each_time_and_holds_together() {
        let (once, again) = (Data::generate(), Data::generate());
        assert_eq!(once.products, again.products);
        assert_eq!(once.orders, again.orders);
        assert_eq!((once.products.len(), once.users.len()), (240, 60));
        assert_eq!((once.orders.len(), once.reviews.len()), (600, 2_000));
        assert!(
            once.products
                .iter()
                .all(|product| product.images.len() >= 2 && product.price > 0)
        );
        for order in &once.orders {
            assert!(once.user(order.user).is_some());
            assert_eq!(order.total, total(&order.items));
            assert!(
                order
                    .items
                    .iter()
                    .all(|item| once.product(item.product).is_some())
            );
        }
        assert!(once.product(0).is_none() && once.product(241).is_none());
    }

    #[test]
    fn every_subject_has_an_account() {
        assert_eq!(user_of("7"), 7);
        for subject in ["alice", "bob", "user-123", "0", "61", ""] {
            assert!((1..=USERS).contains(&user_of(subject)), "{subject}");
            assert_eq!(user_of(subject), user_of(subject));
        }
        assert_ne!(user_of("alice"), user_of("bob"));
    }
}
