import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { type Enrolled, enrolmentGraph, type FaceNetworks, frameSize, MIN_FACE } from '../graph/build.ts'
import { toFrame } from './frame.ts'
import { type Picture, readPng } from './png.ts'

/** A picture of somebody. */
export interface Portrait {
  readonly name: string
  /** Where it is from, for words about it. */
  readonly file: string
  readonly picture: Picture
}

/** Bytes of a name at most: it travels with every answer. */
const MAX_NAME_BYTES = 64
const MAX_PORTRAITS = 1000
const MAX_FILE_BYTES = 64 * 1024 * 1024

/**
 * The pictures of a folder: `alice.png`, or several in a folder of her name, `alice/1.png`.
 * @throws Error that names the file
 */
export function readPeople(folder: string): Portrait[] {
  const portraits: Portrait[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true }).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    if (entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      for (const file of readdirSync(path).toSorted())
        if (!file.startsWith('.')) portraits.push(readPortrait(entry.name, join(path, file)))
    } else portraits.push(readPortrait(basename(entry.name, extname(entry.name)), path))
  }
  if (portraits.length > MAX_PORTRAITS) throw new Error(`${folder} has more than ${MAX_PORTRAITS} pictures`)
  return portraits
}

function readPortrait(name: string, file: string): Portrait {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES || !name.isWellFormed())
    throw new Error(`${file}: a name has at most ${MAX_NAME_BYTES} bytes`)
  if (statSync(file).size > MAX_FILE_BYTES) throw new Error(`${file}: it is larger than 64 MiB`)
  try {
    return { name, file, picture: readPng(readFileSync(file)) }
  } catch (cause) {
    throw new Error(
      `${file}: ${(cause as Error).message}; convert it, for instance by: magick ${file} ${name}.png`,
      {
        cause,
      },
    )
  }
}

/** What was found in a portrait. */
export interface Described {
  readonly portrait: Portrait
  /** How many faces, 0 to the number a graph looks at. */
  readonly faces: number
  /** Of the most certain one. */
  readonly embedding: Float32Array
}

/**
 * Describes pictures on this machine, with the very graph that the enclave describes frames with. The descriptions are
 * as personal as the pictures: they are for {@link enrol} and for measuring, and go nowhere else.
 */
export async function describePortraits(
  networks: FaceNetworks,
  portraits: readonly Portrait[],
): Promise<Described[]> {
  const session = await InferenceSession.create(enrolmentGraph(networks), { logSeverityLevel: 3 })
  const size = frameSize(networks)
  try {
    const described: Described[] = []
    for (const portrait of portraits) {
      const frame = new Tensor('uint8', toFrame(portrait.picture, size), [1, size.height, size.width, 3])
      const answer = await session.run({ frame })
      const faces = (answer['face']!.data as Float32Array).filter((certainty) => certainty > MIN_FACE).length
      const embedding = (answer['embedding']!.data as Float32Array).slice(0, networks.description.length)
      described.push({ portrait, faces, embedding })
    }
    return described
  } finally {
    await session.release()
  }
}

/** Descriptions for `matchGraph`. @throws Error for a picture without a face, or with more than one */
export async function enrol(networks: FaceNetworks, portraits: readonly Portrait[]): Promise<Enrolled[]> {
  return (await describePortraits(networks, portraits)).map(({ portrait, faces, embedding }) => {
    if (faces === 1) return { name: portrait.name, embedding }
    throw new Error(`${portrait.file}: one face expected, ${faces === 0 ? 'none' : 'several'} found`)
  })
}
