use super::*;
use crate::action::testing::read;

#[test]
fn it_is_kept_with_a_run_and_says_where_it_reads() {
    let directory = std::env::temp_dir().join(format!("boathook-apply-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("a.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")
        .unwrap();
    let text = format!("manifests: {}\nnamespaces: [shop]\nrollout: none\n", directory.display());
    let (action, mistakes) = read(&text, Apply::read);
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(mistakes, [] as [&str; 0]);
    let action = action.unwrap();
    assert!(action.manifests.is_absolute() && action.rollout.within.is_none() && !action.force);
    let json = serde_json::to_string(&action).unwrap();
    assert_eq!(serde_json::from_str::<Apply>(&json).unwrap(), action);
}
