//! Settings are data: a shell, psql or Kubernetes in a value of theirs is never run, wherever the value goes.
use super::*;
use crate::support::container::image::POSTGRES;

const IMAGE: &str = "docker.io/library/postgres:15-touchy";

/// Every setting of the README's table.
fn all() -> Vec<&'static str> {
    let readme = include_str!("../../../README.md");
    let rows =
        readme.lines().filter_map(|line| line.strip_prefix("| `--")).filter(|row| row.contains("SANDBOX_LIFECYCLE_"));
    rows.filter_map(|row| row.split([' ', '`']).next()).filter(|name| !["config", "output"].contains(name)).collect()
}

/// Whoever runs it leaves a mark: in the documents' volume where there is one, or in the Job's log.
fn hostile() -> String {
    let touch = "touch /var/www/documents/ran";
    format!(
        "x'\"; {touch}; $({touch}) `{touch}` ${{IFS}}$(PGPASSWORD) \\\\! {touch}\n\\! {touch}\n'; DROP TABLE llx_user; --"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_shell_in_any_value_runs_nothing_and_changes_nothing() {
    let lab = Sandbox::with(&Production::Small, &[]).await;
    fs::create_dir_all(lab.documents(PROD).join("mycompany")).expect("the lab's own");
    lab.kubelet.config().images.with(IMAGE, POSTGRES, &[("touch", "echo SOMETHING WAS RUN >&2")]);
    let names = all();
    assert!(names.len() > 20, "{names:?}");
    let mut done = 0;
    for name in names {
        // What is a string in JSON is one in TOML.
        let mut lines = vec![format!("pg-image = {:?}", IMAGE), "min-tables = 10".to_owned()];
        lines.retain(|line| !line.starts_with(&format!("{name} =")));
        let list = name == "documents-tree" || name == "skip-function";
        let value = json!(hostile());
        lines.push(format!("{name} = {}", if list { json!([value]) } else { value }));
        let file = lab.dir.path().join("hostile.toml");
        fs::write(&file, lines.join("\n")).expect("a file");
        let before = lab.world();
        let ran = lab.run(&["-v", "--config", file.to_str().expect("a plain path"), "refresh"]).await;
        assert!(matches!(ran.code, 0..=2), "{name}: {ran:?}");
        assert!(!ran.stderr.contains("SOMETHING WAS RUN"), "{name}: {}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{name}: {}", ran.stderr);
        assert_eq!(leaks(&lab, &ran), [""; 0], "{name}");
        let after = lab.world();
        assert_eq!(after.production, before.production, "{name}");
        assert_eq!(
            (after.replicas, after.sync_policy, after.objects),
            (before.replicas, before.sync_policy, before.objects)
        );
        assert!(ran.code == 0 || after.sandbox == before.sandbox, "{name}: {}", ran.stderr);
        for namespace in [PROD, SANDBOX] {
            assert!(!lab.documents(namespace).join("ran").exists(), "{name}");
        }
        done += usize::from(ran.code == 0);
    }
    // A hostile name of a function or of a tree is simply one that is not there; most others are refused.
    assert!(done < 8, "{done} of them were taken");
}
