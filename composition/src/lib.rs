//! How a BFF answers one screen from many backends.
//!
//! A [`View`] is a set of typed parts with what each of them waits for. A part begins the moment its inputs are there;
//! the answer says which parts are missing, old, or stood in for, and never fails because of a part that it can do
//! without. Modules stand lowest first.

mod reason;
mod report;
mod json;
mod budget;
mod bulkhead;
mod lost;
mod backend;
mod inbound;
mod cohort;
mod call;
mod loaded;
mod metrics;
mod carrier;
mod cache;
mod flight;
mod engine;
mod slot;
mod ask;
mod work;
mod part;
mod plan;
mod run;
mod markers;
mod problems;
mod fields;
mod view;

pub use ask::Ask;
pub use backend::Backend;
pub use budget::{Allowance, Budget};
pub use bulkhead::{Bulkhead, Need, Permit};
pub use call::{Call, Kept, Scope, comma_separated};
pub use carrier::{ANSWER_MAX, Carried, Carrier, HttpCarrier};
pub use cohort::{Audience, Known, Provenance, Routed, Side};
pub use engine::Engine;
pub use fields::{FieldList, Level};
pub use inbound::{CallerId, Ignored, Inbound};
pub use json::{DEPTH_MAX, Raw, Undecodable};
pub use loaded::{CHUNK, Identified, Loaded};
pub use lost::Lost;
pub use metrics::Stats;
pub use part::{Declared, Part};
pub use plan::{Plan, PlanError};
pub use problems::{CODES, bad_request, problem};
pub use reason::{Reason, Status};
pub use report::Report;
pub use run::{Failure, Parts};
pub use slot::{Needs, Slot, Typed, Values};
pub use view::{Meta, Shape, View};
