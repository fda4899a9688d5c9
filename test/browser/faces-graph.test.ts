import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Enrolled, type FaceNetworks, matchGraph } from '../../examples/faces/graph/build.ts'
import { crop } from '../../examples/faces/graph/crop.ts'
import { GraphBuilder } from '../../examples/faces/onnx/graph-builder.ts'
import { FLOAT } from '../../examples/faces/onnx/values.ts'
import { measure } from '../../examples/faces/measure.ts'
import { enrol, readPeople } from '../../examples/faces/people/enrol.ts'
import { readNetworks } from '../../examples/faces/people/networks.ts'
import { ALICE, BOB, draw, type Drawing, STRANGER } from './faces-pictures.ts'
import { findDetector, writePeople } from './faces-town.ts'

const detector = findDetector()
const LARGE = { width: 640, height: 480 }

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-faces-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A folder of pictures by path. */
function pictures(name: string, files: Readonly<Record<string, Drawing>>): string {
  const path = join(folder, name)
  for (const file of Object.keys(files)) mkdirSync(join(path, file, '..'), { recursive: true })
  writePeople(path, files)
  return path
}

async function openMatcher(networks: FaceNetworks, enrolled: readonly Enrolled[]): Promise<InferenceSession> {
  return InferenceSession.create(matchGraph(networks, enrolled), { logSeverityLevel: 3 })
}

/** Who a graph sees, without the places where there is no face. */
async function seen(session: InferenceSession, { rgb }: Drawing): Promise<[name: string, score: number][]> {
  const answer = await session.run({ frame: new Tensor('uint8', rgb, [1, 240, 320, 3]) })
  const [face, score] = [answer['face']!.data as Float32Array, answer['score']!.data as Float32Array]
  return (answer['name']!.data as string[]).flatMap((name, i): [string, number][] =>
    face[i]! > 0 ? [[name, score[i]!]] : [],
  )
}

describe.skipIf(!detector)('the graph that knows faces', () => {
  let networks: FaceNetworks
  let matcher: InferenceSession
  beforeAll(async () => {
    networks = readNetworks({ detector: detector! })
    const people = pictures('people', {
      alice: draw([[ALICE, {}]], LARGE),
      'bob/1': draw([[BOB, {}]], LARGE),
      'bob/2': draw([[BOB, { x: 200, scale: 0.9 }]], LARGE),
    })
    matcher = await openMatcher(networks, await enrol(networks, readPeople(people)))
  }, 120_000)

  it('gives out who, how alike and where, and nothing that describes a face', () => {
    expect(matcher.inputMetadata).toMatchObject([{ name: 'frame', type: 'uint8', shape: [1, 240, 320, 3] }])
    expect(
      matcher.outputMetadata.map((output) => [
        output.name,
        output.isTensor && output.type,
        output.isTensor && output.shape,
      ]),
    ).toEqual([
      ['person', 'int64', [4]],
      ['name', 'string', [4]],
      ['score', 'float32', [4]],
      ['face', 'float32', [4]],
      ['box', 'float32', [4, 4]],
    ])
  })

  it('knows whom it was shown, elsewhere in the frame, smaller and darker', async () => {
    for (const pose of [{ x: 130, y: 110, scale: 0.85 }, { x: 200, scale: 0.9 }, { light: 0.7 }]) {
      const [alice, bob] = [
        await seen(matcher, draw([[ALICE, pose]])),
        await seen(matcher, draw([[BOB, pose]])),
      ]
      expect(alice.map(([name]) => name)).toEqual(['alice'])
      expect(bob.map(([name]) => name)).toEqual(['bob'])
      for (const [, score] of [...alice, ...bob]) {
        expect(score).toBeGreaterThan(0.87)
        expect(Math.abs(score * 100 - Math.round(score * 100))).toBeLessThan(1e-4)
      }
    }
  })

  it('names no stranger, and does not tell how near one was to anybody', async () => {
    expect(await seen(matcher, draw([[STRANGER, {}]]))).toEqual([['', 0]])
  })

  it('sees everybody in a frame once, the most certain four', async () => {
    const row = (count: number): Drawing =>
      draw(
        Array.from({ length: count }, (_, i) => [
          i % 2 ? BOB : ALICE,
          { x: 40 + (240 * i) / Math.max(count - 1, 1), y: 60 + 90 * (i % 2), scale: 0.45 },
        ]),
      )
    expect((await seen(matcher, row(3))).length).toBe(3)
    expect((await seen(matcher, row(6))).length).toBe(4)
  })

  it('sees nobody where nobody is', async () => {
    const answer = await matcher.run({
      frame: new Tensor('uint8', draw([]).rgb, [1, 240, 320, 3]),
    })
    expect([...(answer['person']!.data as BigInt64Array)]).toEqual([-1n, -1n, -1n, -1n])
    for (const name of ['score', 'face', 'box'])
      expect(new Set(answer[name]!.data as Float32Array)).toEqual(new Set([0]))
  })

  it('pictures with no face or several are refused by name', async () => {
    for (const [name, drawing] of [
      ['none', draw([], LARGE)],
      [
        'several',
        draw(
          [
            [ALICE, { x: 90, scale: 0.7 }],
            [BOB, { x: 230, scale: 0.7 }],
          ],
          LARGE,
        ),
      ],
    ] as const)
      await expect(enrol(networks, readPeople(pictures(name, { eve: drawing })))).rejects.toThrow(
        `eve.png: one face expected, ${name} found`,
      )
    expect(() => matchGraph(networks, [])).toThrow('nobody is enrolled')
  })

  it('measuring compares every two pictures', async () => {
    const people = pictures('measured', {
      'alice/1': draw([[ALICE, {}]]),
      'alice/2': draw([[ALICE, { x: 140, scale: 0.9 }]]),
      bob: draw([[BOB, {}]]),
      nobody: draw([]),
    })
    const lines = await measure(networks, readPeople(people))
    expect(lines[0]).toBe('4 pictures, a face found in 3; 2 people')
    expect(lines[1]).toMatch(/^same person {2}1 pairs, likeness 1 % 0\.9\d/)
    expect(lines[2]).toMatch(/^two people {3}2 pairs, likeness 1 % 0\.[45]\d/)
    expect(lines.find((line) => line.startsWith('0.87'))).toMatch(/0\.00 % +0\.00 % {2}<- in use$/)
    expect(lines.find((line) => line.startsWith('0.40'))).toMatch(/100\.00 % +0\.00 %$/)
  })

  it('a network of yours describes faces instead, in its own operator set and batch', async () => {
    // Means of 8 by 8 pixels of each colour: what ArcFace is to faces this is to shirts and skin, but of the same form.
    const own = new GraphBuilder()
    const input = own.input('data', FLOAT, [1, 3, 64, 64])
    const means = own.op('AveragePool', [input], { kernel_shape: [8, 8], strides: [8, 8] })
    own.output('embedding', FLOAT, [1, 192], own.op('Flatten', [means], { axis: 1 }))
    const file = join(folder, 'own.onnx')
    writeFileSync(file, own.file(13))
    const mine = readNetworks({ detector: detector!, embedding: file, minSimilarity: 0.9 })
    expect([mine.opset, mine.description.faces, mine.description.side]).toEqual([13, 1, 64])
    const people = pictures('own', { alice: draw([[ALICE, {}]], LARGE), bob: draw([[BOB, {}]], LARGE) })
    const session = await openMatcher(mine, await enrol(mine, readPeople(people)))
    expect(session.outputMetadata.at(-1)).toMatchObject({ name: 'box', shape: [1, 4] })
    expect((await seen(session, draw([[BOB, { x: 180, scale: 0.9 }]]))).map(([name]) => name)).toEqual([
      'bob',
    ])
    expect((await seen(session, draw([[ALICE, { x: 150, scale: 0.9 }]]))).map(([name]) => name)).toEqual([
      'alice',
    ])
  })

  it('files that are no such networks are refused by name', () => {
    const text = join(folder, 'notes.txt')
    writeFileSync(text, 'words')
    expect(() => readNetworks({ detector: text })).toThrow(/notes.txt: .*no ONNX file/)
    expect(() => readNetworks({ detector: detector!, embedding: detector! })).toThrow(/takes no faces/)
    const own = new GraphBuilder()
    own.output('y', FLOAT, [1], own.input('x', FLOAT, [1]))
    const small = join(folder, 'small.onnx')
    writeFileSync(small, own.file(13))
    expect(() => readNetworks({ detector: small })).toThrow(/small.onnx: it is no detector/)
    writeFileSync(small, own.file(18))
    expect(() => readNetworks({ detector: detector!, embedding: small })).toThrow(
      /small.onnx: it is of operator set 18/,
    )
  })
})

it('cutting out is a weighted mean of rows and columns, and goes on at the edge', async () => {
  const [height, width, side] = [12, 16, 4]
  const image = Float32Array.from({ length: height * width }, (_, i) => (i * 37) % 101)
  const box = [0.5, 0.25, 1, 0.75]
  const graph = new GraphBuilder()
  const cut = crop(
    graph,
    graph.input('image', FLOAT, [1, 1, height, width]),
    graph.floats(box, [1, 4]),
    { height, width },
    { faces: 1, side, margin: 1.25 },
  )
  graph.output('cut', FLOAT, [1, 1, side, side], cut)
  const session = await InferenceSession.create(graph.file(9), { logSeverityLevel: 3 })
  const { cut: answer } = await session.run({ image: new Tensor('float32', image, [1, 1, height, width]) })
  const length = Math.max((box[2]! - box[0]!) * width, (box[3]! - box[1]!) * height) * 1.25
  const weights = (i: number, middle: number, size: number): number[] => {
    const at = Math.min(size - 1, Math.max(0, middle + length * ((i + 0.5) / side - 0.5) - 0.5))
    const tent = Array.from({ length: size }, (_, p) =>
      Math.max(0, 1 - Math.abs(at - p) / Math.max(1, length / side)),
    )
    const sum = tent.reduce((total, weight) => total + weight, 0)
    return tent.map((weight) => weight / sum)
  }
  const expected = Array.from({ length: side * side }, (_, i) => {
    const rows = weights(Math.floor(i / side), 6, height)
    const columns = weights(i % side, 12, width)
    return image.reduce(
      (sum, value, p) => sum + value * rows[Math.floor(p / width)]! * columns[p % width]!,
      0,
    )
  })
  for (const [i, value] of expected.entries()) expect((answer!.data as Float32Array)[i]).toBeCloseTo(value, 3)
})

describe('pictures', () => {
  it('names come from files and folders, in order', () => {
    const small = draw([], { width: 8, height: 6 })
    const people = pictures('names', { zoe: small, 'adam/2': small, 'adam/1': small })
    expect(readPeople(people).map(({ name, file }) => [name, file.slice(people.length + 1)])).toEqual([
      ['adam', 'adam/1.png'],
      ['adam', 'adam/2.png'],
      ['zoe', 'zoe.png'],
    ])
    expect(readPeople(people)[2]!.picture).toEqual({ ...small })
  })

  it('what is no picture is named, with what to do', () => {
    const people = join(folder, 'wrong')
    mkdirSync(people)
    writeFileSync(join(people, 'eve.jpg'), 'JFIF')
    expect(() => readPeople(people)).toThrow(/eve.jpg: it is no PNG; convert it, for instance by: magick/)
  })
})
