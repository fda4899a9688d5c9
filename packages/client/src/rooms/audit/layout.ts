/** Something that has a place: a box, or where a long line passes a layer. */
interface Place {
  id: string
  layer: number
  height: number
  /** Middle, from the top. */
  y: number
  /** Places in the layers beside it, by their identifiers. */
  before: string[]
  after: string[]
}

/** A box to place. */
export interface LayoutBox {
  id: string
  layer: number
  height: number
}

/** A line between two boxes, from a lower layer to a higher one. */
export interface LayoutLine {
  from: string
  to: string
}

/** Where everything is: `y` of middles, and `points` of a line in every layer that it touches. */
export interface Layout {
  y: ReadonlyMap<string, number>
  /** For each line, in the order given: the middle in each layer, from its first to its last. */
  lines: { layer: number; y: number }[][]
  height: number
}

const GAP = 20
/** What a line takes where it only passes. */
const LANE = 12
const SWEEPS = 6

/**
 * Places boxes in their layers: each near those it belongs to, none over another, and lines that pass a layer in lanes
 * between its boxes (Sugiyama: layers, barycentres, coordinates).
 * @throws `TypeError` for a line that leads nowhere or back
 */
export function layOut(boxes: readonly LayoutBox[], lines: readonly LayoutLine[]): Layout {
  const places = new Map<string, Place>(boxes.map((box) => [box.id, { ...box, y: 0, before: [], after: [] }]))
  const paths = lines.map((line, at) => addPath(line, at, places))
  const layers: Place[][] = []
  for (const place of places.values()) (layers[place.layer] ??= []).push(place)
  const columns = layers.filter((layer) => layer !== undefined)
  order(columns, places)
  settle(columns, places)
  const top = Math.min(...[...places.values()].map(({ y, height }) => y - height / 2))
  for (const place of places.values()) place.y -= top
  const y = new Map([...places.values()].map((place) => [place.id, place.y]))
  return {
    y,
    lines: paths.map((path) => path.map((id) => ({ layer: places.get(id)!.layer, y: y.get(id)! }))),
    height: Math.max(...[...places.values()].map((place) => place.y + place.height / 2)),
  }
}

/** Adds a lane in each layer between, and says what a line touches, in order. */
function addPath({ from, to }: LayoutLine, at: number, places: Map<string, Place>): string[] {
  const [start, end] = [places.get(from), places.get(to)]
  if (start === undefined || end === undefined || start.layer >= end.layer)
    throw new TypeError('a line leads from a box to one of a later layer')
  const path = [from]
  for (let layer = start.layer + 1; layer < end.layer; layer++) {
    // A box has a name without a space.
    const id = `lane ${at} ${layer}`
    places.set(id, { id, layer, height: LANE, y: 0, before: [], after: [] })
    path.push(id)
  }
  path.push(to)
  for (const [step, id] of path.slice(1).entries()) {
    places.get(id)!.before.push(path[step]!)
    places.get(path[step]!)!.after.push(id)
  }
  return path
}

/** Orders each layer by where its neighbours are, forth and back. */
function order(columns: Place[][], places: ReadonlyMap<string, Place>): void {
  const rank = new Map<string, number>()
  const number = (column: readonly Place[]): void =>
    column.forEach(({ id }, at) => rank.set(id, (at + 0.5) / column.length))
  columns.forEach(number)
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForth = sweep % 2 === 0
    for (const column of isForth ? columns : columns.toReversed()) {
      const wanted = new Map(
        column.map((place) => {
          const beside = isForth ? place.before : place.after
          return [place.id, mean(beside.map((id) => rank.get(places.get(id)!.id)!)) ?? rank.get(place.id)!]
        }),
      )
      column.sort((a, b) => wanted.get(a.id)! - wanted.get(b.id)!)
      number(column)
    }
  }
}

/** Gives each its height above the ground: near its neighbours, as far as those beside it leave room. */
function settle(columns: readonly Place[][], places: ReadonlyMap<string, Place>): void {
  for (const column of columns) stack(column, undefined)
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForth = sweep % 2 === 0
    for (const column of isForth ? columns : columns.toReversed())
      stack(column, (place) => mean((isForth ? place.before : place.after).map((id) => places.get(id)!.y)))
  }
}

/** Stacks a layer in its order, around where it wants to be. */
function stack(column: readonly Place[], wantedOf: ((place: Place) => number | undefined) | undefined): void {
  const wanted = column.map((place) => wantedOf?.(place) ?? place.y)
  let bottom = -Infinity
  for (const [at, place] of column.entries()) {
    place.y = Math.max(wanted[at]!, bottom + place.height / 2)
    bottom = place.y + place.height / 2 + GAP
  }
  const drift = mean(column.map(({ y }, at) => y - wanted[at]!)) ?? 0
  for (const place of column) place.y -= drift
}

function mean(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : numbers.reduce((sum, one) => sum + one, 0) / numbers.length
}
