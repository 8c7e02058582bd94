use super::*;
use crate::config::fields::Node;
use crate::config::report::{FieldPath, Report};

fn set(api: &str) -> Result<String, String> {
    let mut access = Access::default();
    access.set_api(api).map(|()| access.to_string())
}

#[test]
fn addresses_are_read() {
    assert_eq!(set("http://localhost:8001/"), Ok("http://localhost:8001".into()));
    assert_eq!(set("unix:///run/proxy/kube.sock"), Ok("unix:///run/proxy/kube.sock".into()));
    assert_eq!(set("https://10.0.0.1:6443"), Ok("https://10.0.0.1:6443".into()));
    for bad in [
        "",
        "localhost:8001",
        "ftp://x",
        "unix://run/x",
        "http://u:p@h/",
        "http://h/?q",
        "http://h/#f",
        "http://",
    ] {
        assert!(set(bad).is_err(), "{bad}");
    }
}

#[test]
fn in_a_cluster_the_pods_own_address_and_files_are_used() {
    let mut access = Access::default();
    access.set_api("in-cluster").unwrap();
    let v6 = |name: &str| Some(if name.ends_with("HOST") { "fd00::1" } else { "443" }.to_owned());
    assert_eq!(access.locate(v6), Ok("https://[fd00::1]:443".to_owned()));
    assert_eq!(access.token_file.as_deref(), Some(Path::new(SERVICE_ACCOUNT).join("token").as_path()));
    assert_eq!(access.ca_file.as_deref(), Some(Path::new(SERVICE_ACCOUNT).join("ca.crt").as_path()));
    let why = access.locate(|_| None).unwrap_err();
    assert!(why.contains("KUBERNETES_SERVICE_HOST") && why.contains("is this a pod?"), "{why}");
    // A configuration can be checked, and its requests shown, outside of the cluster.
    assert_eq!((access.base(), access.check()), ("https://kubernetes.default.svc", Ok(())));
}

#[test]
fn credentials_stay_with_the_address_that_they_are_for() {
    let mut access = Access::default();
    access.set_api("in-cluster").unwrap();
    access.set_api("http://localhost:8001").unwrap();
    assert_eq!(access, Access::default());
    access.set_api("https://10.0.0.1:6443").unwrap();
    assert!(access.check().unwrap_err().starts_with("caFile is missing"));
    (access.token_file, access.ca_file) = (Some("token".into()), Some("ca.crt".into()));
    access.set_api("https://10.0.0.2:6443").unwrap();
    assert!(access.check().is_ok() && access.token_file.is_some());
    access.set_api("unix:///run/proxy/kube.sock").unwrap();
    assert_eq!((access.token_file, access.ca_file), (None, None));
}

fn read(text: &str) -> (Access, Vec<String>) {
    let value: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
    let report = Report::new(Path::new("/etc/boathook"));
    let mut fields = Node::new(&value, &report).fields(FieldPath::default()).unwrap();
    let access = Access::read(&mut fields);
    fields.finish();
    let told = report.finish(Path::new("c.yaml"), text).mistakes;
    (access, told.iter().map(ToString::to_string).collect())
}

#[test]
fn files_lie_next_to_the_configuration() {
    let (access, mistakes) = read(
        "api: https://10.0.0.1:6443\ntokenFile: token\ncaFile: /ca.pem\nclientCertFile: c.pem\nclientKeyFile: k.pem\nfieldManager: relay\n",
    );
    assert_eq!(mistakes, [] as [&str; 0]);
    assert_eq!(access.token_file, Some("/etc/boathook/token".into()));
    assert_eq!(access.ca_file, Some("/ca.pem".into()));
    assert_eq!(access.client_files, Some(("/etc/boathook/c.pem".into(), "/etc/boathook/k.pem".into())));
    assert_eq!(access.field_manager, "relay");
    let (access, mistakes) = read("api: in-cluster\ntokenFile: token\n");
    assert_eq!((access.token_file, mistakes), (Some("/etc/boathook/token".into()), Vec::new()));
}

#[test]
fn what_cannot_work_is_a_mistake() {
    for (text, told) in [
        ("api: https://10.0.0.1:6443\n", "caFile is missing"),
        ("api: http://localhost:8001\ntokenFile: token\n", "go with an https address"),
        ("api: unix:///run/kube.sock\ncaFile: ca\n", "go with an https address"),
        ("api: https://h\ncaFile: ca\nclientCertFile: c\n", "clientCertFile and clientKeyFile go together"),
        ("api: unix://run/kube.sock\ntokenFile: token\n", "the socket needs an absolute path"),
        ("fieldManager: \"\"\n", "must be 1 to 128 printable characters"),
        ("fieldManager: a b\n", "must be 1 to 128 printable characters"),
    ] {
        let (_, mistakes) = read(text);
        assert!(mistakes.len() == 1 && mistakes[0].contains(told), "{text}{mistakes:?}");
    }
}

#[test]
fn only_loopback_is_plain_http_without_a_warning() {
    assert!(
        is_loopback("http://localhost:8001")
            && is_loopback("http://[::1]:1")
            && is_loopback("http://127.0.0.9")
    );
    assert!(!is_loopback("http://10.0.0.1:8001") && !is_loopback("http://localhost.example.com"));
}
