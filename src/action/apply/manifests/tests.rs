use super::*;

/// A directory with these files, removed by who made it.
fn directory(name: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
    let directory = std::env::temp_dir().join(format!("boathook-manifests-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    for (name, text) in files {
        std::fs::write(directory.join(name), text).unwrap();
    }
    directory
}

#[test]
fn documents_lists_and_json_are_read_in_the_order_of_names() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A, metadata: {name: d}}\n\
        - {apiVersion: v1, kind: A, metadata: {name: e}}\n";
    let two = "\n# first\n---\napiVersion: v1\nkind: A\nmetadata: {name: b}\n---\n---\napiVersion: v1\nkind: A\nmetadata: {name: c}\n";
    let json = "{\"apiVersion\": \"v1\", \"kind\": \"A\", \"metadata\": {\"name\": \"a\"}, \"text\": \"\\ud83d\\udea4\\/\"}";
    let directory = directory("order", &[("2.yaml", two), ("3.yml", list), ("1.json", json), ("4.txt", "x")]);
    let files = files(&directory).unwrap();
    let (manifests, mistakes) = read(&directory, &files);
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(mistakes, [] as [&str; 0]);
    let read: Vec<_> = manifests.iter().map(|m| (m.identity.name.as_str(), m.place.as_str())).collect();
    assert_eq!(
        read,
        [("a", "1.json:1"), ("b", "2.yaml:3"), ("c", "2.yaml:8"), ("d", "3.yml:1"), ("e", "3.yml:1")]
    );
    assert_eq!(manifests[0].object["text"], "\u{1F6A4}/");
}

#[test]
fn mistakes_are_told_file_by_file_and_not_without_end() {
    let many = "---\nkind: A\n".repeat(30);
    let directory =
        directory("mistakes", &[("a.yaml", "x: ["), ("b.json", "{\"a\": 1,}"), ("c.yaml", &many)]);
    let files = files(&directory).unwrap();
    let (manifests, mistakes) = read(&directory, &files);
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(manifests.is_empty());
    assert!(mistakes[0].starts_with("a.yaml:2:1: this is not valid: "), "{mistakes:?}");
    assert!(mistakes[1].starts_with("b.json:1:9: trailing comma"), "{mistakes:?}");
    assert_eq!(mistakes[2], "c.yaml:1: apiVersion is missing");
    assert_eq!((mistakes.len(), mistakes[20].as_str()), (21, "and 12 more mistakes"));
}
