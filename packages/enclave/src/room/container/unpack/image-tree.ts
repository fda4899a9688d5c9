import { layoutError } from '../errors.ts'

/** Folders that a room puts something over; an image may have them, and nothing else in their place. */
export const RESERVED_FOLDERS = ['dev', 'proc', 'sys', 'tmp', 'in', 'out'] as const

/** What is at a path, and which layer put it there. */
export type ImageNode = ImageFolder | { readonly kind: 'file' | 'symlink'; readonly layer: number }

/** A folder with what lies in it. */
export interface ImageFolder {
  readonly kind: 'folder'
  readonly layer: number
  readonly children: Map<string, ImageNode>
}

/** Where the files of an image really lie. Paths are steps from its root, one character per byte. */
export interface ImageDisk {
  makeFolder(path: readonly string[]): void
  /** Removes a file or link, or a folder that is empty. */
  remove(path: readonly string[], kind: ImageNode['kind']): void
}

/**
 * The tree of an image as its layers make it, kept beside the disk: nothing on the disk is asked or followed, so no link
 * of a layer leads anywhere while the image is unpacked.
 */
export class ImageTree {
  readonly root: ImageFolder = { kind: 'folder', layer: -1, children: new Map() }
  readonly #disk: ImageDisk

  constructor(disk: ImageDisk) {
    this.#disk = disk
  }

  /** What is at a path; undefined for nothing. @throws `ROOM_CONTAINER_LAYOUT` where the way leads through a link */
  find(steps: readonly string[]): ImageNode | undefined {
    let node: ImageNode | undefined = this.root
    for (const step of steps) {
      if (node === undefined) return undefined
      if (node.kind === 'symlink') throw throughLink()
      node = node.kind === 'folder' ? node.children.get(step) : undefined
    }
    return node
  }

  /** The folder at a path, made with those above it where there is none. @throws `ROOM_CONTAINER_LAYOUT` */
  folder(steps: readonly string[], layer: number): ImageFolder {
    let at = this.root
    for (const [index, step] of steps.entries()) {
      let next = at.children.get(step)
      if (next === undefined) {
        next = { kind: 'folder', layer, children: new Map() }
        this.#disk.makeFolder(steps.slice(0, index + 1))
        at.children.set(step, next)
      }
      if (next.kind === 'symlink') throw throughLink()
      if (next.kind !== 'folder') throw layoutError('a layer with a file where another has its folder')
      at = next
    }
    return at
  }

  /** Makes room for a file or link of a layer; what layers below have there is gone. @throws `ROOM_CONTAINER_LAYOUT` */
  put(steps: readonly string[], kind: 'file' | 'symlink', layer: number): void {
    const name = steps.at(-1)
    if (name === undefined) throw layoutError('a file in the place of the root')
    if (steps.length === 1 && isReserved(name))
      throw layoutError('a file or link in the place of a folder of the room')
    const parent = this.folder(steps.slice(0, -1), layer)
    this.clear(steps, layer)
    if (parent.children.has(name)) throw layoutError('a layer that has a path twice')
    parent.children.set(name, { kind, layer })
  }

  /** Makes a folder of a layer, or keeps the one that is there. @throws `ROOM_CONTAINER_LAYOUT` */
  putFolder(steps: readonly string[], layer: number): void {
    const found = this.find(steps)
    if (found !== undefined && found.kind !== 'folder') this.clear(steps, layer)
    this.folder(steps, layer)
  }

  /** Removes what layers below this one put at a path. @throws `ROOM_CONTAINER_LAYOUT` */
  clear(steps: readonly string[], layer: number): void {
    const name = steps.at(-1)
    const parent = this.find(steps.slice(0, -1))
    if (parent?.kind === 'symlink') throw throughLink()
    if (name === undefined || parent?.kind !== 'folder') return
    const node = parent.children.get(name)
    if (node !== undefined && this.#removeLower(steps, node, layer)) parent.children.delete(name)
  }

  /** Removes what layers below this one put into a folder. @throws `ROOM_CONTAINER_LAYOUT` */
  clearInside(steps: readonly string[], layer: number): void {
    const folder = this.find(steps)
    if (folder?.kind === 'symlink') throw throughLink()
    if (folder?.kind !== 'folder') return
    for (const name of folder.children.keys()) this.clear([...steps, name], layer)
  }

  /** Whether nothing is left. */
  #removeLower(steps: readonly string[], node: ImageNode, layer: number): boolean {
    if (node.kind === 'folder') {
      for (const [name, child] of node.children)
        if (this.#removeLower([...steps, name], child, layer)) node.children.delete(name)
      if (node.children.size > 0) return false
    }
    if (node.layer >= layer) return false
    this.#disk.remove(steps, node.kind)
    return true
  }
}

function throughLink(): Error {
  return layoutError('a layer that writes through a symbolic link')
}

function isReserved(name: string): boolean {
  return (RESERVED_FOLDERS as readonly string[]).includes(name)
}
