//! Settings of the system's allocator, which can be reached by unsafe code
//! only. It is all the unsafe code there is.

/// Lets all threads share so many arenas, one at least. Call it before there are
/// threads: arenas that exist stay.
///
/// glibc gives nearly every thread an arena of its own, up to eight for a core,
/// and none of them uses what another has freed: a process whose buffers are
/// allocated by one thread and freed by another holds a fifth more than it
/// needs. Other systems' allocators are left as they are.
pub fn share_arenas(count: usize) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let count = libc::c_int::try_from(count.max(1)).unwrap_or(libc::c_int::MAX);
        // SAFETY: mallopt(3) takes any parameter and any value, touches nothing but
        // the allocator's own settings, and takes the allocator's lock.
        #[expect(unsafe_code, reason = "there is no safe interface to it")]
        // Refused, memory is as it would be without: nobody needs to be told.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, count);
        }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = count;
}
