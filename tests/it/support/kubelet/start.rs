//! Starting one container: its image, its configuration, its volumes, its process.

use serde_json::Value;

use super::super::container::image::Image;
use super::super::container::view::{Identity, View};
use super::super::container::{Container, Exit, Spec};
use super::environment;
use super::pod::Pod;
use super::volumes;

/// What stands in the way, in a container's waiting state.
struct Obstacle {
    reason: &'static str,
    event: &'static str,
    message: String,
}

impl Pod {
    /// Until it runs: `Some(None)` when it cannot be started at all, `None` when the Pod is told to
    /// stop first.
    pub(super) async fn start(&self, at: usize) -> Option<Option<Container>> {
        let image = self.pull(at).await?;
        let mut changes = self.node.store.subscribe();
        let spec = loop {
            match self.node.processes.before_the_end(|| self.prepare(at, &image))? {
                Ok(spec) => break spec,
                Err(obstacle) => {
                    let before = if obstacle.event == "Failed" { "Error: " } else { "" };
                    self.say("Warning", obstacle.event, &format!("{before}{}", obstacle.message));
                    self.change(at, |slot| slot.wait(obstacle.reason, &obstacle.message));
                }
            }
            // A Secret or ConfigMap that appears is tried at once.
            let awaited = async {
                loop {
                    match changes.recv().await {
                        Ok(change) if !is_configuration(&change.resource) => {}
                        _ => return,
                    }
                }
            };
            self.unless_stopped(awaited).await?;
        };
        self.launch_once(self.launch(at, spec)).await
    }

    async fn launch(&self, at: usize, spec: Spec) -> Option<Container> {
        let name = self.slots()[at].name.clone();
        match Container::start(spec, &self.node.processes).await {
            Ok(container) => {
                self.say("Normal", "Created", &format!("Created container {name}"));
                self.say("Normal", "Started", &format!("Started container {name}"));
                self.change(at, |slot| slot.run(container.clone()));
                Some(container)
            }
            Err(why) => {
                self.say("Warning", "Failed", &format!("Error: {why}"));
                let exit = Exit { code: 128, reason: "StartError" };
                self.change(at, |slot| slot.end(exit, Some(why)));
                None
            }
        }
    }

    /// Until the image is there.
    async fn pull(&self, at: usize) -> Option<Image> {
        let name = self.slots()[at].image.clone();
        let mut tried = false;
        loop {
            let config = self.node.config();
            if let Some(image) = config.images.get(&name) {
                let message = format!("Container image \"{name}\" already present on machine");
                self.say("Normal", "Pulled", &message);
                return Some(image);
            }
            self.say("Normal", "Pulling", &format!("Pulling image \"{name}\""));
            let why = format!(
                "failed to pull and unpack image \"{name}\": failed to resolve reference \"{name}\": {name}: not found"
            );
            let message = format!("rpc error: code = NotFound desc = {why}");
            if !tried {
                let said = format!("Failed to pull image \"{name}\": {message}");
                self.say("Warning", "Failed", &said);
                self.say("Warning", "Failed", "Error: ErrImagePull");
                self.change(at, |slot| slot.wait("ErrImagePull", &message));
            }
            self.unless_stopped(tokio::time::sleep(config.backoff)).await?;
            if !tried {
                let message = format!("Back-off pulling image \"{name}\"");
                self.say("Normal", "BackOff", &message);
                self.say("Warning", "Failed", "Error: ImagePullBackOff");
                self.change(at, |slot| slot.wait("ImagePullBackOff", &message));
            }
            tried = true;
        }
    }

    fn prepare(&self, at: usize, image: &Image) -> Result<Spec, Obstacle> {
        let spec = self.container_spec(at);
        let config_error =
            |message: String| Obstacle { reason: "CreateContainerConfigError", event: "Failed", message };
        let volume = |event, message| Obstacle { reason: "ContainerCreating", event, message };
        volumes::attached(self).map_err(|message| volume("FailedAttachVolume", message))?;
        let mounts = volumes::mounts(self, spec).map_err(|message| volume("FailedMount", message))?;
        let env = environment::of(self, spec, image).map_err(config_error)?;
        let identity = self.identity(spec).map_err(config_error)?;
        let scratch = self.node.config().root.join("pods").join(&self.uid);
        let broken = |why: std::io::Error| config_error(why.to_string());
        let run = format!(".{at}-{}", self.slots()[at].restarts);
        let _ = std::fs::remove_dir_all(scratch.join(&run));
        let masks = image.masks(&scratch.join(&run)).map_err(broken)?;
        write_accounts(&scratch).map_err(broken)?;
        let workdir = spec["workingDir"].as_str().unwrap_or(&image.workdir);
        Ok(Spec {
            place: format!("{}/{}/{}", self.ns, self.name, text(spec, "name")),
            argv: argv(spec, image, &env),
            env,
            identity,
            view: View {
                hostname: self.name.chars().take(63).collect(),
                read_only_root: spec["securityContext"]["readOnlyRootFilesystem"] == true,
                workdir: workdir.to_owned(),
                mounts,
                masks,
                accounts: scratch,
            },
        })
    }

    /// Who it runs as: the container's word before the Pod's, root for want of both.
    fn identity(&self, spec: &Value) -> Result<Identity, String> {
        let (pod, own) = (&self.object["spec"]["securityContext"], &spec["securityContext"]);
        let word = |field: &str| {
            let word = if own[field].is_null() { &pod[field] } else { &own[field] };
            word.clone()
        };
        let number = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
        let uid = number(&word("runAsUser")).unwrap_or(0);
        if uid == 0 && word("runAsNonRoot") == true {
            let name = text(spec, "name");
            let pod = format!("{}_{}({})", self.name, self.ns, self.uid);
            return Err(format!(
                "container has runAsNonRoot and image will run as root (pod: \"{pod}\", container: {name})"
            ));
        }
        let account = ACCOUNTS.iter().find(|(_, known)| *known == uid);
        let own_group = account.map_or(0, |(_, id)| *id);
        let mut groups: Vec<u32> = number(&pod["fsGroup"]).into_iter().collect();
        let more = pod["supplementalGroups"].as_array().into_iter().flatten();
        groups.extend(more.filter_map(number));
        let dropped = own["capabilities"]["drop"].as_array();
        Ok(Identity {
            uid,
            gid: number(&word("runAsGroup")).unwrap_or(own_group),
            groups,
            no_capabilities: dropped.is_some_and(|list| list.iter().any(|one| one == "ALL")),
            no_new_privileges: own["allowPrivilegeEscalation"] == false,
        })
    }
}

fn is_configuration(resource: &str) -> bool {
    matches!(resource, "secrets" | "configmaps")
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// The spec's command and args over the image's entrypoint and cmd, `$(NAME)` expanded.
fn argv(spec: &Value, image: &Image, env: &[(String, String)]) -> Vec<String> {
    let words = |field: &str| -> Option<Vec<String>> {
        let words = spec[field].as_array().filter(|words| !words.is_empty())?;
        let words = words.iter().filter_map(Value::as_str);
        Some(words.map(|word| environment::expand(word, env)).collect())
    };
    match (words("command"), words("args")) {
        (Some(command), args) => [command, args.unwrap_or_default()].concat(),
        (None, Some(args)) => [image.entrypoint.clone(), args].concat(),
        (None, None) => [image.entrypoint.clone(), image.cmd.clone()].concat(),
    }
}

/// The users that the images know.
const ACCOUNTS: &[(&str, u32)] = &[("root", 0), ("www-data", 33), ("postgres", 999), ("nobody", 65534)];

fn write_accounts(dir: &std::path::Path) -> std::io::Result<()> {
    let lines =
        |line: &dyn Fn(&str, u32) -> String| -> String { ACCOUNTS.iter().map(|(name, id)| line(name, *id)).collect() };
    std::fs::create_dir_all(dir)?;
    let passwd = lines(&|name, id| format!("{name}:x:{id}:{id}:{name}:/:/bin/sh\n"));
    std::fs::write(dir.join("passwd"), passwd)?;
    std::fs::write(dir.join("group"), lines(&|name, id| format!("{name}:x:{id}:\n")))
}
