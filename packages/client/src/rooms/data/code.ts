import type { DataMedia } from '@sotto/protocol/room'
import { type DataFiles, type DataSource, hasMagic, onlyFile, partOf, refused, wholeFile } from './source.ts'

/** WebAssembly Core Specification 5.5.16: `\0asm` and version 1. Components, which are no modules, have other versions. */
const WASM_MAGIC = '\0asm\x01\0\0\0'
/** POSIX.1-1988: where and how a header of an archive says that it is one. */
const [TAR_MAGIC_OFFSET, TAR_MAGIC] = [257, 'ustar']
const GZIP_MAGIC = '\x1f\x8b'

/**
 * A module of WebAssembly, or the archive of an OCI image layout: which of them, its beginning says.
 * @param media where it is given, what it has to be
 * @throws `ROOM_DATA_SOURCE`
 */
export async function codeSource(files: DataFiles, media: DataMedia | undefined): Promise<DataSource> {
  const [name, file] = onlyFile(files, 'code')
  const head = await partOf(name, file, 0, TAR_MAGIC_OFFSET + TAR_MAGIC.length)
  const found = mediaOf(head)
  if (found !== undefined && (media === undefined || media === found)) return wholeFile(found, name, file)
  throw refused(`${name} is no code that a room runs`, {
    expected:
      media === undefined ? 'a module of WebAssembly, or an OCI image as tar archive' : EXPECTED[media]!,
    ...(hasMagic(head, 0, GZIP_MAGIC) && { hint: 'Decompress it first.' }),
  })
}

const EXPECTED: Readonly<Partial<Record<DataMedia, string>>> = {
  wasm: 'a module of WebAssembly',
  oci: 'an OCI image as tar archive',
}

function mediaOf(head: Uint8Array): 'wasm' | 'oci' | undefined {
  if (hasMagic(head, 0, WASM_MAGIC)) return 'wasm'
  return hasMagic(head, TAR_MAGIC_OFFSET, TAR_MAGIC) ? 'oci' : undefined
}
