/*
 * How the memory of a role is managed. Roles pass streams on: buffers of tens of megabytes go by, and
 * nearly nothing stays.
 */

/**
 * Node arguments of every role. A small young generation is collected often and holds little of what
 * went by. Without the second one V8 collects the whole heap for every 64 MiB of buffers that were
 * handed out; with it, a young collection frees them: a third less CPU for 25 MiB in and out.
 */
export const MEMORY_FLAGS: readonly string[] = [
  '--max-semi-space-size=1',
  '--external-memory-accounted-in-global-limit',
]

/**
 * Environment of every measured role. Without the first one glibc returns large buffers after each message and maps them
 * again. With the first alone it no longer learns what is large, and maps every buffer over 128 KiB on its own, page by page:
 * half of the time of opening what was sealed in chunks. The second is the most that it takes.
 */
export const MEMORY_ENV = {
  MALLOC_TRIM_THRESHOLD_: String(128 * 2 ** 20),
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
}
