import type { SnpProduct } from './product.ts'

/** Security patch levels of the firmware components, each 0 to 255. Higher is newer. */
export interface TcbVersion {
  /** Turin only. */
  fmc?: number
  /** Boot loader of the secure processor. */
  bl: number
  /** Its operating system. */
  tee: number
  snp: number
  ucode: number
}

/** A named component. */
export type TcbComponent = keyof TcbVersion

/**
 * Byte `i` of TCB_VERSION, lowest first, is certified by the extension `…3704.1.3.<arc>` (AMD 57230).
 * Turin has another order (AMD 56860, table TCB_VERSION): read with the old one, its patch levels pass
 * for others.
 */
const ARCS: Readonly<Record<SnpProduct, readonly number[]>> = {
  milan: [1, 2, 4, 5, 6, 7, 3, 8],
  genoa: [1, 2, 4, 5, 6, 7, 3, 8],
  turin: [9, 1, 2, 3, 5, 6, 7, 8],
}

const COMPONENT_OF_ARC: Readonly<Record<number, TcbComponent>> = {
  9: 'fmc',
  1: 'bl',
  2: 'tee',
  3: 'snp',
  8: 'ucode',
}

/** TCB_VERSION as it stands in a report: 8 bytes, lowest first. */
export function tcbBytes(tcb: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, tcb, true)
  return bytes
}

/** Named components of TCB_VERSION in the layout of the product. */
export function decodeTcb(product: SnpProduct, tcb: bigint): TcbVersion {
  const components: { [Name in TcbComponent]?: number } = {}
  const bytes = tcbBytes(tcb)
  for (const [index, arc] of ARCS[product].entries()) {
    const name = COMPONENT_OF_ARC[arc]
    if (name !== undefined) components[name] = bytes[index]!
  }
  return components as TcbVersion
}

/** TCB_VERSION that a certificate certifies; undefined where its levels are not exactly those of the product. */
export function certifiedTcb(
  product: SnpProduct,
  levels: ReadonlyMap<number, number>,
): Uint8Array | undefined {
  const arcs = ARCS[product]
  if (levels.size !== arcs.length || !arcs.every((arc) => levels.has(arc))) return undefined
  return Uint8Array.from(arcs, (arc) => levels.get(arc)!)
}

/** Components that are below a floor, by name; a component that the floor does not name may be anything. */
export function belowFloor(tcb: TcbVersion, floor: Partial<TcbVersion>): TcbComponent[] {
  return (Object.keys(floor) as TcbComponent[]).filter((name) => (tcb[name] ?? -1) < floor[name]!)
}

/** `bl 3, tee 0, snp 8, ucode 115`, for messages. */
export function tcbText(tcb: Partial<TcbVersion>): string {
  return Object.entries(tcb)
    .map(([name, level]) => `${name} ${level}`)
    .join(', ')
}
