// SPDX-License-Identifier: MIT
//
//! A Rust program and the faults of its mappings: `embedder-rust MODE CASE`.
//!
//! MODE says who handles SIGBUS (`start`), CASE what happens then (`main`). docs/embedding.md has the results.

mod handlers;
mod nosigbus;

use nosigbus::Region;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::raw::{c_int, c_long, c_void};
use std::os::unix::io::AsRawFd;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::Arc;
use std::{env, fs, process, ptr, thread};

const PAGE: usize = 4096;
const PAGES: usize = 16;
const SIZE: usize = PAGE * PAGES;
const FILL: u8 = 0x5a;

/// Who gets a SIGBUS first. std has installed its handlers before `main`.
fn start(mode: &str) -> io::Result<()> {
    match mode {
        "none" => Ok(()),
        "installed" => nosigbus::install(0),
        "segv" => nosigbus::install(nosigbus::CATCH_SEGV),
        "own" => handlers::own(),
        "displaced" => nosigbus::install(0).and_then(|_| handlers::report_crashes()),
        "rearmed" => {
            nosigbus::install(0)?;
            handlers::report_crashes()?;
            nosigbus::rearm()
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "no such mode")),
    }
}

/// A file without a name, full of FILL.
fn file() -> io::Result<File> {
    let path = env::temp_dir().join(format!("embedder-rust-{}", process::id()));
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    fs::remove_file(&path)?;
    file.write_all(&[FILL; SIZE])?;
    Ok(file)
}

/// The byte of each page that says whether it is the file's.
fn first_bytes(region: &Region) -> Vec<u8> {
    (0..PAGES)
        .map(|page| region.get(page * PAGE).expect("within the region"))
        .collect()
}

fn region() -> io::Result<()> {
    let mut file = file()?;
    let region = Region::map(&file, SIZE)?;
    assert_eq!(first_bytes(&region), [FILL; PAGES]);
    assert_eq!(region.first_bad_offset(), None);

    file.set_len(PAGE as u64)?;
    let mut cut = [0; PAGES];
    cut[0] = FILL;
    assert_eq!(first_bytes(&region), cut);
    assert_eq!(region.first_bad_offset(), Some(PAGE as u64));
    assert!(!region.refresh()?);

    file.seek(SeekFrom::Start(0))?;
    file.write_all(&[FILL; SIZE])?;
    assert!(region.refresh()?);
    assert_eq!(first_bytes(&region), [FILL; PAGES]);
    Ok(())
}

/// Threads that read while it happens. Each ends when it has met the missing part.
fn race() -> io::Result<()> {
    let file = file()?;
    let region = Arc::new(Region::map(&file, SIZE)?);
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let region = Arc::clone(&region);
            thread::spawn(move || while first_bytes(&region)[PAGES - 1] != 0 {})
        })
        .collect();
    file.set_len(PAGE as u64)?;
    for reader in readers {
        reader.join().expect("a reader that ends by itself");
    }
    assert_eq!(region.get(0), Some(FILL));
    Ok(())
}

extern "C" {
    fn mmap(
        at: *mut c_void,
        size: usize,
        prot: c_int,
        flags: c_int,
        fd: c_int,
        offset: c_long,
    ) -> *mut c_void;
}

/// A mapping that nosigbus knows nothing of, of which one page is left.
fn foreign() -> io::Result<*const u8> {
    const PROT_READ: c_int = 1;
    const MAP_SHARED: c_int = 1;
    let file = file()?;
    let at = unsafe {
        mmap(
            ptr::null_mut(),
            SIZE,
            PROT_READ,
            MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    if at as isize == -1 {
        return Err(io::Error::last_os_error());
    }
    file.set_len(PAGE as u64)?;
    Ok(at as *const u8)
}

fn read_foreign() -> io::Result<()> {
    let at = foreign()?;
    unsafe { at.add(SIZE - 1).read_volatile() };
    Ok(())
}

fn safe_read() -> io::Result<()> {
    let at = foreign()?;
    let mut copy = [1; SIZE];
    let stopped = unsafe { nosigbus::safe_read(&mut copy, at) };
    let bad = nosigbus::Bad {
        copied: PAGE,
        address: at as usize + PAGE,
    };
    assert_eq!(stopped, Err(bad));
    assert!(
        copy[..PAGE].iter().all(|&byte| byte == FILL) && copy[PAGE..].iter().all(|&byte| byte == 0)
    );
    assert_eq!(
        unsafe { nosigbus::safe_read(&mut copy[..PAGE], at) },
        Ok(())
    );
    Ok(())
}

fn guard() -> io::Result<()> {
    let at = foreign()?;
    assert_eq!(unsafe { handlers::sum_guarded(at, SIZE) }, Err(PAGE));
    let sum = PAGE as c_long * c_long::from(FILL);
    assert_eq!(unsafe { handlers::sum_guarded(at, PAGE) }, Ok(sum));
    Ok(())
}

/// How much of the alternate stack that std has made the handler takes.
fn stack() -> io::Result<()> {
    let file = file()?;
    let region = Region::map(&file, SIZE)?;
    file.set_len(0)?;
    let size = handlers::mark_stack()?;
    assert_eq!(region.get(0), Some(0));
    println!("{} of {} bytes", handlers::used_stack()?, size);
    Ok(())
}

#[allow(unconditional_recursion)]
fn endless(depth: u64) -> u64 {
    let room = [depth; 64];
    let below = endless(depth + 1);
    // After the call, and volatile: a frame that nobody looks into would not be there.
    below + unsafe { ptr::addr_of!(room[(depth % 64) as usize]).read_volatile() }
}

fn overflow() -> io::Result<()> {
    println!("{}", endless(1));
    Ok(())
}

fn read_null() -> io::Result<()> {
    let null = AtomicPtr::new(ptr::null_mut::<u8>()).load(Ordering::Relaxed);
    println!("{}", unsafe { null.read_volatile() });
    Ok(())
}

/// In a thread of its own. What it does not survive, the process does not.
fn in_thread(work: fn() -> io::Result<()>) -> io::Result<()> {
    thread::Builder::new()
        .name("worker".into())
        .spawn(work)?
        .join()
        .expect("a thread that ends by itself")
}

fn tell(what: &str, result: io::Result<()>) {
    println!(
        "{}: {}",
        what,
        result
            .err()
            .and_then(|error| error.raw_os_error())
            .unwrap_or(0)
    );
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let (mode, case) = match &arguments[..] {
        [_, mode, case] => (mode.as_str(), case.as_str()),
        _ => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "usage: embedder-rust MODE CASE",
            ))
        }
    };
    start(mode)?;
    match case {
        "region" => region(),
        "region-thread" => in_thread(region),
        "race" => race(),
        "safe-read" => safe_read(),
        "guard" => guard(),
        "foreign" => read_foreign(),
        "foreign-thread" => in_thread(read_foreign),
        "overflow" => overflow(),
        "overflow-thread" => in_thread(overflow),
        "null" => read_null(),
        // std takes its handler away, and whichever is in place then.
        "sent" => {
            handlers::send(handlers::SIGBUS);
            println!("SIGBUS: {}", handlers::describe(handlers::SIGBUS)?);
            if mode != "none" {
                tell("check", nosigbus::check());
                tell("rearm", nosigbus::rearm());
            }
            region()
        }
        "check" => {
            tell("check", nosigbus::check());
            Ok(())
        }
        "owner" => {
            println!("SIGBUS: {}", handlers::describe(handlers::SIGBUS)?);
            println!("SIGSEGV: {}", handlers::describe(handlers::SIGSEGV)?);
            Ok(())
        }
        "stack" => stack(),
        "stack-thread" => in_thread(stack),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "no such case")),
    }
}
