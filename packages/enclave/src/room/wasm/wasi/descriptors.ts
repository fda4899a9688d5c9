import { ERRNO, ensure, WasiError } from './errno.ts'
import type { WasiDirectory, WasiFile, WasiNode } from './files.ts'

/** Descriptors of a module at most. */
const MAX_OPEN = 256
/** The root, which is open from the start: 0-2 are the standard streams. */
export const ROOT_DESCRIPTOR = 3

/** Something that a module has open. */
export interface OpenNode<Node extends WasiNode = WasiNode> {
  readonly node: Node
  readonly canRead: boolean
  readonly canWrite: boolean
  appends: boolean
  position: number
}

/** What a module has open, by its numbers. */
export class Descriptors {
  private readonly open = new Map<number, OpenNode>()

  constructor(root: WasiDirectory) {
    for (const fd of [0, 1, 2])
      this.open.set(fd, opened({ kind: 'null', inode: 0n }, { canRead: fd === 0, canWrite: fd !== 0 }))
    this.open.set(ROOT_DESCRIPTOR, opened(root, { canRead: true, canWrite: false }))
  }

  /** @throws `WasiError` */
  get(fd: number): OpenNode {
    const found = this.open.get(fd)
    ensure(found !== undefined, ERRNO.badf)
    return found
  }

  /** @throws `WasiError` */
  file(fd: number): OpenNode<WasiFile> {
    const { node } = this.get(fd)
    if (node.kind === 'directory') throw new WasiError(ERRNO.isdir)
    if (node.kind === 'null') throw new WasiError(ERRNO.spipe)
    return this.get(fd) as OpenNode<WasiFile>
  }

  /** @throws `WasiError` */
  directory(fd: number): WasiDirectory {
    const { node } = this.get(fd)
    if (node.kind !== 'directory') throw new WasiError(ERRNO.notdir)
    return node
  }

  /** The lowest number that is free, so that each run has the same. @throws `WasiError` */
  add(node: WasiNode, may: Pick<OpenNode, 'canRead' | 'canWrite'> & { appends?: boolean }): number {
    ensure(this.open.size < MAX_OPEN, ERRNO.mfile)
    let fd = 0
    while (this.open.has(fd)) fd++
    this.open.set(fd, opened(node, may))
    return fd
  }

  /** @throws `WasiError` */
  close(fd: number): void {
    ensure(this.open.delete(fd), ERRNO.badf)
  }
}

function opened(
  node: WasiNode,
  { canRead, canWrite, appends = false }: Pick<OpenNode, 'canRead' | 'canWrite'> & { appends?: boolean },
): OpenNode {
  return { node, canRead, canWrite, appends, position: 0 }
}
