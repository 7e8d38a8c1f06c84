//! R14: the disk is full. For the broker: its stream of inputs has a cap, so it is full before the disk is, and refuses.
//! For the database: it can't write, so messages wait in the stream. When there is room again everything goes on.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::failure::{Failure, io_error};
use crate::fleet::{Part, Settings};
use crate::load::{Load, Talk};
use crate::oracle::Told;
use crate::row::Row;
use crate::scene::{Scene, Stage};

/// The broker's disk, MiB. It lets streams reserve three quarters of it.
const BROKER_MIB: u32 = 768;
/// Bytes of a stream of inputs, and of what is told: well below the disk.
const TURNS_BYTES: u32 = 1 << 20;
const TOLD_BYTES: u32 = 192 << 20;
/// Customers; so many that the stream is soon full.
const CUSTOMERS: usize = 600;
/// The database's disk, MiB: its files, and as much again.
const DATABASE_MIB: u32 = 256;
/// How long a disk is full.
const FULL_FOR: Duration = Duration::from_secs(5);
/// Pause between two looks whether it is well again.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A server that does not go on by itself within this time when there is room again is started again.
const BY_ITSELF: Duration = Duration::from_secs(20);
/// How soon everything is handled when there is room again.
const DRAINED_TARGET: Duration = Duration::from_secs(10);

/// A small disk in memory; it is taken away when this is dropped.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    fn mount(path: PathBuf, mib: u32) -> Result<Self, Failure> {
        std::fs::create_dir_all(&path).map_err(io_error(format!("cannot make {}", path.display())))?;
        let size = format!("size={mib}m,mode=0755");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path).output();
        let mounted = mounted.map_err(io_error("mount cannot be run"))?;
        if mounted.status.success() {
            Ok(Self { path })
        } else {
            let why = String::from_utf8_lossy(&mounted.stderr).trim().to_owned();
            Err(Failure::Impossible(format!("a small disk cannot be mounted: {why}")))
        }
    }

    /// Writes a file until nothing goes in any more.
    fn fill(&self) -> Result<(), Failure> {
        let mut file = File::create(self.filler()).map_err(io_error("the filler cannot be made"))?;
        let block = vec![0_u8; 64 * 1024];
        while file.write_all(&block).is_ok() {}
        while file.write_all(&[0]).is_ok() {}
        Ok(())
    }

    fn make_room(&self) -> Result<(), Failure> {
        std::fs::remove_file(self.filler()).map_err(io_error("the filler cannot be removed"))
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server may still be ending.
        Command::new("umount").arg("--lazy").arg(&self.path).status().ok();
    }
}

fn disk_of(stage: &Stage, name: &str) -> PathBuf {
    // Beside the fault's directory, which is made anew when the scene opens.
    let directory = stage.directory();
    let own = directory.file_name().map(|own| own.to_string_lossy().into_owned()).unwrap_or_default();
    directory.with_file_name(format!("{own}-{name}"))
}

pub(super) async fn play_broker(stage: &Stage) -> Result<Row, Failure> {
    let path = disk_of(stage, "broker");
    let disk = SmallDisk::mount(path.clone(), BROKER_MIB)?;
    let row = fill_broker(stage, &disk).await;
    drop(disk);
    std::fs::remove_dir(&path).ok();
    row
}

async fn fill_broker(stage: &Stage, disk: &SmallDisk) -> Result<Row, Failure> {
    let nats = Some(disk.path.join("nats"));
    let stream_bytes = [TURNS_BYTES, TOLD_BYTES, TOLD_BYTES];
    let settings = Settings { stream_bytes, nats, ..Settings::default() };
    let mut scene = Scene::open(stage, &settings).await?;
    let load = scene.talk_as("load", Talk::of(CUSTOMERS, stage.plan.per_second * 3))?;
    scene.catch_up(&load).await?;
    stage.say("no runner runs until the stream is full");
    let runners: Vec<Part> = (0..settings.runners).map(Part::Runner).collect();
    for part in &runners {
        scene.fleet.end(*part).await?;
    }
    until_refused(&load).await?;
    scene.row.note(format!("stream full after {} messages", load.acknowledged()));
    sleep(FULL_FOR).await;
    for part in &runners {
        scene.fleet.begin(*part)?;
    }
    let drained = scene.catch_up(&load).await?;
    scene.row.time("handled after the stream was full", drained, DRAINED_TARGET);
    stage.say("the broker's disk is full");
    disk.fill()?;
    until_refused(&load).await?;
    sleep(FULL_FOR).await;
    disk.make_room()?;
    let begun = Instant::now();
    let before = load.acknowledged();
    while load.acknowledged() == before && begun.elapsed() < BY_ITSELF {
        sleep(LOOK_EVERY).await;
    }
    if load.acknowledged() == before {
        scene.row.note("nats-server kept its write error and was started again");
        scene.fleet.kill_nats();
        scene.fleet.start_nats()?;
    }
    let drained = scene.catch_up(&load).await?;
    scene.row.time("handled after the disk was full", drained, DRAINED_TARGET);
    let said = load.finish().await?;
    scene.close_told(&said, &Told::InAnyOrder).await
}

/// Waits until messages are refused.
async fn until_refused(load: &Load) -> Result<(), Failure> {
    let before = load.tally().refused;
    crate::patience::until("messages are refused", || {
        let refused = load.tally().refused > before;
        std::future::ready(Ok(refused.then_some(())))
    })
    .await?;
    Ok(())
}

pub(super) async fn play_database(stage: &Stage) -> Result<Row, Failure> {
    let path = disk_of(stage, "database");
    let disk = SmallDisk::mount(path.clone(), DATABASE_MIB)?;
    let row = fill_database(stage, &disk).await;
    drop(disk);
    std::fs::remove_dir(&path).ok();
    row
}

async fn fill_database(stage: &Stage, disk: &SmallDisk) -> Result<Row, Failure> {
    let postgres = Some(disk.path.join("postgres"));
    let settings = Settings { postgres, ..Settings::default() };
    let mut scene = Scene::open(stage, &settings).await?;
    let load = scene.talk()?;
    scene.catch_up(&load).await?;
    stage.say("the database's disk is full");
    disk.fill()?;
    let before = load.acknowledged();
    until_stuck(&scene, &disk.path, &load).await?;
    sleep(FULL_FOR).await;
    scene.row.note(format!("{} messages taken in meanwhile", load.acknowledged() - before));
    disk.make_room()?;
    let begun = Instant::now();
    while scene.database().await.is_err() && begun.elapsed() < BY_ITSELF {
        sleep(LOOK_EVERY).await;
    }
    if scene.database().await.is_err() {
        scene.row.note("PostgreSQL had ended and was started again");
        scene.fleet.start_postgres()?;
    }
    let drained = scene.catch_up(&load).await?;
    scene.row.time("handled after the disk was full", drained, DRAINED_TARGET);
    let said = load.finish().await?;
    scene.close(&said).await
}

/// Waits until no more is handled, though messages are taken in.
async fn until_stuck(scene: &Scene, disk: &Path, load: &Load) -> Result<(), Failure> {
    let seen = std::sync::Mutex::new((Instant::now(), 0));
    let what = format!("nothing is handled while {} is full", disk.display());
    crate::patience::until(&what, || async {
        let handled = match scene.database().await {
            Ok(client) => crate::oracle::handled(&client).await.unwrap_or(0),
            Err(_) => 0,
        };
        let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if handled > seen.1 {
            *seen = (Instant::now(), handled);
        }
        Ok((seen.0.elapsed() > Duration::from_secs(3) && load.acknowledged() > handled).then_some(()))
    })
    .await?;
    Ok(())
}
