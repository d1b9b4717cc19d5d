// SPDX-License-Identifier: MIT
//
//! What is in common for Rust.

use std::io;
use std::os::raw::{c_char, c_int, c_long, c_void};

extern "C" {
    fn handlers_own() -> c_int;
    fn handlers_report_crashes() -> c_int;
    fn handlers_describe(signo: c_int, out: *mut c_char, size: usize) -> c_int;
    fn handlers_mark_stack(size: *mut usize) -> c_int;
    fn handlers_used_stack() -> c_long;
    fn guarded_sum(bytes: *const c_void, size: usize, bad: *mut usize) -> c_long;
    fn raise(signo: c_int) -> c_int;
}

pub const SIGBUS: c_int = 7;
pub const SIGSEGV: c_int = 11;

fn checked(result: c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::from_raw_os_error(-result))
    } else {
        Ok(())
    }
}

pub fn own() -> io::Result<()> {
    checked(unsafe { handlers_own() })
}

pub fn report_crashes() -> io::Result<()> {
    checked(unsafe { handlers_report_crashes() })
}

pub fn describe(signo: c_int) -> io::Result<String> {
    let mut text = [0u8; 64];
    checked(unsafe { handlers_describe(signo, text.as_mut_ptr().cast(), text.len()) })?;
    let length = text
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(text.len());
    Ok(String::from_utf8_lossy(&text[..length]).into_owned())
}

pub fn mark_stack() -> io::Result<usize> {
    let mut size = 0;
    checked(unsafe { handlers_mark_stack(&mut size) })?;
    Ok(size)
}

pub fn used_stack() -> io::Result<usize> {
    let used = unsafe { handlers_used_stack() };
    if used < 0 {
        Err(io::Error::from_raw_os_error(-used as c_int))
    } else {
        Ok(used as usize)
    }
}

pub fn send(signo: c_int) {
    unsafe { raise(signo) };
}

/// Adds up bytes, in C below a guard; the error is the offset of the first that is missing.
///
/// # Safety
/// `bytes` points to `size` bytes that nothing but the kernel takes away.
pub unsafe fn sum_guarded(bytes: *const u8, size: usize) -> Result<c_long, usize> {
    let mut bad = 0;
    let sum = guarded_sum(bytes.cast(), size, &mut bad);
    if sum < 0 {
        Err(bad)
    } else {
        Ok(sum)
    }
}
