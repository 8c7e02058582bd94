//! The helpers beside the double.

use super::support::sign;

// RFC 4231, test case 2.
#[test]
fn hmac_of_a_known_text() {
    assert_eq!(
        sign::hmac_sha256(b"Jefe", b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}
