//! Tests that `docker-compose.yml` follows the rules of the Compose specification that the first
//! `docker compose up --build` needs. The test reads the file and starts no container.
//!
//! The rules: <https://docs.docker.com/reference/compose-file/services/#pull_policy>

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

/// Reads the services by name, with anchors and merges resolved.
fn read_services() -> BTreeMap<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docker-compose.yml");
    let text = fs::read_to_string(path).expect("docker-compose.yml is there");
    let mut file: BTreeMap<String, Value> =
        serde_saphyr::from_str(&text).expect("docker-compose.yml is YAML");
    serde_json::from_value(file.remove("services").expect("there are services")).expect("services have names")
}

/// Returns whether a service depends on another one, directly or through others.
fn depends_on(services: &BTreeMap<String, Value>, service: &str, wanted: &str) -> bool {
    let needed = services[service]["depends_on"].as_object().into_iter().flat_map(|needed| needed.keys());
    needed.into_iter().any(|needed| needed == wanted || depends_on(services, needed, wanted))
}

/// The rules:
/// 1. Only one service builds the image. If two services build the same tag at the same time, the second one fails with
///    "already exists" in Docker's containerd image store.
/// 2. Every other service with that image depends on the builder. So it starts after the build, also when it is started
///    alone.
/// 3. The other services never pull the image. By default Compose would ask a registry first.
#[test]
fn one_service_builds_the_image_and_the_others_use_it() {
    let services = read_services();
    let builders: Vec<&str> = services
        .iter()
        .filter(|(_, service)| service.get("build").is_some())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(builders, ["migrate"]);
    let image = &services["migrate"]["image"];
    assert_eq!(image, "milepost:local");
    assert_eq!(services["migrate"]["pull_policy"], "missing");
    let others: Vec<&String> = services
        .iter()
        .filter(|(name, service)| *name != "migrate" && &service["image"] == image)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(others, ["api", "worker"]);
    for name in others {
        assert_eq!(services[name]["pull_policy"], "never", "{name}");
        assert!(depends_on(&services, name, "migrate"), "{name}");
    }
}

/// All services of Milepost need the same settings.
#[test]
fn every_service_of_milepost_has_the_same_settings() {
    let services = read_services();
    for name in ["api", "worker"] {
        assert!(services[name]["environment"].is_object(), "{name}");
        assert_eq!(services[name]["environment"], services["migrate"]["environment"], "{name}");
    }
}
