use proptest::prelude::*;

use super::*;
use crate::action::testing::deploy;
use crate::event::Event;

/// What a deploy event of this workload and environment has.
fn values(workload: &str, environment: &str) -> Values {
    let Event::Deploy(mut request) = deploy("ghcr.io/acme/web", "v1.2", None) else { panic!() };
    request.workload = workload.into();
    request.environment = environment.into();
    Values::new(&Event::Deploy(request), None, "72d3162e")
}

fn rendered(url: &str, workload: &str, environment: &str) -> Result<String, String> {
    UrlTemplate::parse(url).unwrap().render(&values(workload, environment)).map(String::from)
}

#[test]
fn values_fill_labels_and_segments() {
    for (url, expected) in [
        ("https://example.com", "https://example.com/"),
        ("http://${workload}.${namespace}.svc:8080/health", "http://game.shop.svc:8080/health"),
        (
            "https://pr-${workload}.example.com/v/${tag}/ok?deep=1",
            "https://pr-game.example.com/v/v1.2/ok?deep=1",
        ),
        ("http://${workload}", "http://game/"),
        ("http://10.0.0.1:8080/${environment}-x", "http://10.0.0.1:8080/a%20b%3Ac%40d%3Fe%23f-x"),
        ("http://[fd00::1]:80/", "http://[fd00::1]/"),
        ("https://EXAMPLE.com/A%2fB//c", "https://example.com/A%2fB//c"),
        ("http://example.com/$${tag}", "http://example.com/$%7Btag%7D"),
        ("http://example.com?x=1", "http://example.com/?x=1"),
    ] {
        assert_eq!(rendered(url, "game", "a b:c@d?e#f").unwrap(), expected, "{url}");
    }
}

#[test]
fn a_value_never_adds_to_the_structure() {
    let host = "https://${workload}.example.com/";
    for value in [
        "a.b", "a/b", "a@b", "a:1", "a?b", "a#b", "", "..", "A", "-a", "a-", "a\n", "ä", "a%2e", "[::1]",
        "${x}",
    ] {
        let told = rendered(host, value, "x");
        assert!(told.as_ref().is_err_and(|told| told.contains("${workload}")), "{value}: {told:?}");
    }
    assert!(rendered(host, &"a".repeat(64), "x").is_err());
    for path in [
        "https://example.com/${workload}",
        "https://example.com/${workload}/x",
        "https://example.com/a-${workload}",
    ] {
        for value in ["a/b", "../x", "..", "a..b", "%2e%2e", "a%2fb", "a\\b", "a\nb", "a\0"] {
            let told = rendered(path, value, "x");
            assert!(
                told.as_ref().is_err_and(|told| told.contains("${workload} in its path")),
                "{value}: {told:?}"
            );
        }
    }
    for (path, value) in
        [("/${workload}", "."), ("/.${workload}", "."), ("/%2e${workload}", "."), ("/%2E${workload}", ".")]
    {
        let told = rendered(&format!("https://example.com{path}/x"), value, "x").unwrap_err();
        assert!(told.contains("which means another path"), "{path}: {told}");
    }
    // Together with what is written out a value must be no address either.
    for value in ["127", "0x7f"] {
        assert!(rendered("https://${workload}", value, "x").is_err(), "{value}");
    }
    assert_eq!(rendered("https://x-${workload}", "127", "x").unwrap(), "https://x-127/");
}

#[test]
fn every_mistake_has_a_way_out() {
    for (url, told) in [
        ("example.com", "must begin with http:// or https://, written out"),
        ("ftp://example.com", "must begin with http:// or https://, written out"),
        ("${workload}://example.com", "must begin with http:// or https://, written out"),
        ("http:///x", "has no host"),
        ("https://user:secret@example.com", "has credentials before the host"),
        ("https://${workload}@example.com", "has credentials before the host"),
        ("https://example.com:${tag}/", "has the port \"${tag}\": a port is a number from 1 to 65535"),
        ("https://example.com:/", "has the port \"\""),
        ("https://example.com:0/", "has the port \"0\""),
        ("https://example.com:+80/", "has the port \"+80\""),
        ("https://example.com::80/", "has the port \":80\""),
        ("https://example.com:65536/", "has the port \"65536\""),
        ("https://example.com/#top", "has a fragment"),
        (
            "https://example.com/?v=${tag}",
            "has ${tag} in the query: variables can stand in the host and the path only",
        ),
        ("https://example.com/a b", "has a blank"),
        ("https://example.com\\@evil.com/", "has a blank, a control character or a \\"),
        ("https://example.com/../x", "has \"..\" in its path"),
        ("https://example.com/%2E%2e/x", "has \"%2E%2e\" in its path"),
        ("https://example.com/%2${tag}", "has a % that no two hexadecimal digits follow"),
        ("https://example.com/${tagg}", "${tagg} is not a variable; did you mean tag?"),
        ("https://${workload}..example.com/", "has \"\" in its host"),
        ("https://${workload}_x.example.com/", "has \"a_x\" in its host"),
        ("https://${workload}.0.0.1/", "is not valid"),
        ("https://[${workload}]/", "has \"[a]\" in its host"),
        ("https://[::1/", "has a host that is not valid"),
        ("https://exa<mple.com/", "has a host that is not valid"),
    ] {
        let mistake = UrlTemplate::parse(url).unwrap_err();
        assert!(mistake.starts_with(told), "{url}: {mistake}");
    }
}

#[test]
fn a_local_host_is_known_however_it_is_written() {
    let local = |url: &str| UrlTemplate::parse(url).unwrap().local();
    for url in [
        "http://127.0.0.1",
        "http://127.1:80/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:7f00:1]/",
    ] {
        assert_eq!(local(url), Some("a loopback address"), "{url}");
    }
    for url in ["http://localhost", "http://LOCALHOST:80/x", "http://localhost./", "http://a.localhost/"] {
        assert_eq!(local(url), Some("this machine"), "{url}");
    }
    assert_eq!(local("http://169.254.169.254/"), Some("a link-local address"));
    for url in
        ["http://10.0.0.1/", "http://localhost.example.com/", "http://${workload}/", "http://notlocalhost/"]
    {
        assert_eq!(local(url), None, "{url}");
    }
}

#[test]
fn the_query_is_not_shown_and_json_is_the_text() {
    let url = UrlTemplate::parse("https://${workload}.example.com/x?token=secret").unwrap();
    assert_eq!(url.to_string(), "https://${workload}.example.com/x");
    let json = serde_json::to_string(&url).unwrap();
    assert_eq!(json, r#""https://${workload}.example.com/x?token=secret""#);
    assert_eq!(serde_json::from_str::<UrlTemplate>(&json).unwrap(), url);
}

proptest! {
    #[test]
    fn whatever_is_put_in_the_rest_stays_as_it_was_written(workload in "\\PC{0,12}", environment in "[-a-z0-9./@:?#%\\\\ ]{0,8}") {
        let url = UrlTemplate::parse("https://x.${workload}.example.com:8443/a/${environment}/b?c=d").unwrap();
        if let Ok(url) = url.render(&values(&workload, &environment)) {
            prop_assert_eq!(url.scheme(), "https");
            prop_assert_eq!((url.username(), url.password(), url.port()), ("", None, Some(8443)));
            let host: Vec<_> = url.host_str().unwrap().split('.').collect();
            prop_assert!(host.len() == 4 && host[0] == "x" && host[2..] == ["example", "com"]);
            let path: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert!(path.len() == 3 && path[0] == "a" && path[2] == "b" && !path[1].is_empty());
            prop_assert_eq!((url.query(), url.fragment()), (Some("c=d"), None));
        }
    }

    #[test]
    fn parsing_never_panics(text in "(https?://)?[-a-z.:/@?#%\\[\\]${}ä ]{0,24}") {
        if let Ok(url) = UrlTemplate::parse(&text) {
            prop_assert_eq!(String::from(url), text);
        }
    }
}
