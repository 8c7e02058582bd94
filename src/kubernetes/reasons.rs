//! stub
use super::{Client, Object, Workload};
/// x
pub async fn reasons(_: &Client, _: &Workload, _: &Object) -> String {
    String::new()
}
