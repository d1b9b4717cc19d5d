// SPDX-License-Identifier: MIT
//
//! nosigbus for Rust: the handler, regions and guarded copies.
//!
//! A mapping that somebody else writes to, or cuts off, is no `&[u8]`: Rust takes what is behind a shared
//! reference for immutable. So a region hands out copies and single bytes, and an address for those who know.

use std::ffi::c_void;
use std::io;
use std::mem::{size_of, MaybeUninit};
use std::os::raw::{c_int, c_long, c_uint};
use std::os::unix::io::{AsFd, AsRawFd};
use std::ptr;

/// Flag of [`install`]: guarded copies also survive SIGSEGV.
pub const CATCH_SEGV: u32 = 1;

mod sys {
    use super::*;

    #[repr(C)]
    pub struct Region {
        _opaque: [u8; 0],
    }

    #[repr(C)]
    pub struct Status {
        pub faults: u64,
        pub generation: u64,
        pub first_bad_offset: u64,
        pub file_size: u64,
        pub cause: c_int,
        pub overlaid: bool,
        pub sealed: bool,
    }

    #[repr(C)]
    pub struct Fault {
        pub address: usize,
        pub pc: usize,
        pub signo: c_int,
        pub code: c_int,
        pub cause: c_int,
        pub access: c_int,
        pub granule: usize,
    }

    #[link(name = "nosigbus")]
    extern "C" {
        pub fn nosigbus_install(flags: c_uint) -> c_int;
        pub fn nosigbus_check() -> c_int;
        pub fn nosigbus_rearm() -> c_int;
        pub fn nosigbus_map(
            out: *mut *mut Region,
            fd: c_int,
            offset: c_long,
            length: usize,
            prot: c_int,
            flags: c_uint,
        ) -> c_int;
        pub fn nosigbus_region_data(region: *const Region) -> *mut c_void;
        pub fn nosigbus_region_size(region: *const Region) -> usize;
        pub fn nosigbus_region_status(region: *mut Region, out: *mut Status, size: usize) -> c_int;
        pub fn nosigbus_region_refresh(region: *mut Region) -> c_int;
        pub fn nosigbus_region_release(region: *mut Region) -> c_int;
        pub fn nosigbus_safe_read(dst: *mut c_void, src: *const c_void, n: usize) -> usize;
        pub fn nosigbus_last_fault() -> *const Fault;
    }
}

/// What the C side says in negative numbers.
fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 {
        Err(io::Error::from_raw_os_error(-result))
    } else {
        Ok(result)
    }
}

/// Installs the handler in front of std's, which goes on getting what is not ours.
pub fn install(flags: u32) -> io::Result<()> {
    checked(unsafe { sys::nosigbus_install(flags) }).map(drop)
}

/// Whether a SIGBUS of this thread reaches nosigbus.
pub fn check() -> io::Result<()> {
    checked(unsafe { sys::nosigbus_check() }).map(drop)
}

/// Puts the handler back in front of whichever displaced it.
pub fn rearm() -> io::Result<()> {
    checked(unsafe { sys::nosigbus_rearm() }).map(drop)
}

/// A mapping of a file whose missing pages read as zeros. Unmapped when it is dropped.
pub struct Region {
    raw: ptr::NonNull<sys::Region>,
}

// The functions of regions are thread-safe; reading is up to the processor.
unsafe impl Send for Region {}
unsafe impl Sync for Region {}

impl Region {
    /// Maps `length` bytes of a file for reading. It may be longer than the file.
    pub fn map(file: impl AsFd, length: usize) -> io::Result<Region> {
        const PROT_READ: c_int = 1;
        let mut raw = ptr::null_mut();
        let fd = file.as_fd().as_raw_fd();
        checked(unsafe { sys::nosigbus_map(&mut raw, fd, 0, length, PROT_READ, 0) })?;
        Ok(Region {
            raw: ptr::NonNull::new(raw).expect("a region"),
        })
    }

    pub fn len(&self) -> usize {
        unsafe { sys::nosigbus_region_size(self.raw.as_ptr()) }
    }

    pub fn as_ptr(&self) -> *const u8 {
        unsafe { sys::nosigbus_region_data(self.raw.as_ptr()) as *const u8 }
    }

    /// The byte at `offset` now; `None` past the end of the region.
    pub fn get(&self, offset: usize) -> Option<u8> {
        if offset >= self.len() {
            return None;
        }
        // Volatile: whoever else has the file may write to it at the same time.
        Some(unsafe { self.as_ptr().add(offset).read_volatile() })
    }

    /// Offset of the first byte that is zero because the file lacks it; `None` while the region is whole.
    pub fn first_bad_offset(&self) -> Option<u64> {
        let mut status = MaybeUninit::<sys::Status>::uninit();
        let status = unsafe {
            let size = size_of::<sys::Status>();
            checked(sys::nosigbus_region_status(
                self.raw.as_ptr(),
                status.as_mut_ptr(),
                size,
            ))
            .expect("a live region");
            status.assume_init()
        };
        if status.overlaid {
            Some(status.first_bad_offset)
        } else {
            None
        }
    }

    /// Puts the file's pages back where it has grown again. Whether the region is whole now.
    pub fn refresh(&self) -> io::Result<bool> {
        checked(unsafe { sys::nosigbus_region_refresh(self.raw.as_ptr()) }).map(|whole| whole == 1)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        unsafe { sys::nosigbus_region_release(self.raw.as_ptr()) };
    }
}

/// Where a guarded copy stopped.
#[derive(Debug, PartialEq, Eq)]
pub struct Bad {
    /// Bytes before the first bad one.
    pub copied: usize,
    /// Address of the first bad one.
    pub address: usize,
}

/// Copies from memory that may be missing. What could not be copied is zeroed in `dst`.
///
/// # Safety
/// `src` points to `dst.len()` bytes that nothing but the kernel takes away.
pub unsafe fn safe_read(dst: &mut [u8], src: *const u8) -> Result<(), Bad> {
    let copied = sys::nosigbus_safe_read(dst.as_mut_ptr().cast(), src.cast(), dst.len());
    if copied == dst.len() {
        Ok(())
    } else {
        Err(Bad {
            copied,
            address: (*sys::nosigbus_last_fault()).address,
        })
    }
}
