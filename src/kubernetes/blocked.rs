//! stub
use super::{ApiError, Client, Object, Workload};
/// x
#[derive(Debug)]
pub enum Unblocked {
    /// x
    Nothing,
    /// x
    Deleted(String),
    /// x
    ByHand(String),
}
/// x
pub async fn unblock(_: &Client, _: &Workload, _: &Object) -> Result<Unblocked, ApiError> {
    Ok(Unblocked::Nothing)
}
