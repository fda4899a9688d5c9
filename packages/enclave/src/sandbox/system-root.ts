import type { CapsuleKind } from './kind.ts'
import { quote, quoteAll } from './words.ts'

/** Options of a root's own file system: files of a few bytes each. */
export const ROOT_OPTIONS = 'mode=0755,size=4m,nr_inodes=4096'

/** What a program may want to know of the system, and no secret of it. */
const ETC = [
  'alternatives',
  'ld.so.cache',
  'localtime',
  'mime.types',
  'protocols',
  'services',
  'ssl/certs',
  'ssl/openssl.cnf',
]

/**
 * Functions of a capsule's script: `memory OPTIONS PLACE` mounts memory; `show PATH PLACE` shows a file or folder of this
 * machine there, which nobody can write; `show_devices ROOT` makes a `/dev` of the harmless ones, and `link_devices ROOT` what
 * programs look for in it besides; `show_system ROOT` shows the system's programs with what they need.
 */
export function rootFunctions({ as, programs: { mount } }: CapsuleKind): string {
  return `
memory() { ${quote(mount)} -t tmpfs -o "nosuid,nodev,$1" memory "$2"; }
show() {
  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "\${2%/*}"; : > "$2"; fi
  ${quote(mount)} --rbind "$1" "$2"
  ${quote(mount)} -o remount,bind,ro "$2" || ${as === 'user' ? ':' : 'exit 1'}
}
show_devices() {
  for name in null zero full random urandom; do
    : > "$1/dev/$name"
    ${quote(mount)} --bind "/dev/$name" "$1/dev/$name"
  done
}
link_devices() {
  ln -s /tmp "$1/dev/shm"
  ln -s /proc/self/fd "$1/dev/fd"
  for name in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/\${name%%:*}" "$1/dev/\${name#*:}"; done
}
show_system() {
  for name in bin sbin lib lib32 lib64 libx32 usr; do
    if [ -L "/$name" ]; then ln -s "$(readlink "/$name")" "$1/$name"
    elif [ -d "/$name" ]; then show "/$name" "$1/$name"; fi
  done
  for name in ${quoteAll(ETC)}; do
    if [ -e "/etc/$name" ]; then show "/etc/$name" "$1/etc/$name"; fi
  done
  mkdir "$1/dev" "$1/proc"
  show_devices "$1"
}
`
}
