/**
 * The links from an answer to those whose data it rests on: each compares two documents that are authentic already, and
 * has the verdict, with what was expected and what was found.
 */
import { fromUtf8 } from '../bytes/index.ts'
import { type Charge, isTraining, type OutputPart } from '../contract/index.ts'
import { canonicalJson } from '../jcs/index.ts'
import { modelDigest, type ModelFileRole } from '../model-manifest/index.ts'
import {
  chargesOfTraced,
  type LineageDocuments,
  type LineageLink,
  ownerOf,
  trainedStep,
} from './traced-run.ts'

/** What is wrong with a link, or what it lacks; undefined: it holds. */
type Verdict = Pick<LineageLink, 'expected' | 'found'> & { status: 'fail' | 'missing' }
type Known<Key extends keyof LineageDocuments> = LineageDocuments & Required<Pick<LineageDocuments, Key>>

interface Link {
  name: string
  what: string
  judge(documents: LineageDocuments): Verdict | undefined
}

const LACKS = {
  answer: 'the receipt of an answer',
  manifest: 'a manifest of the model',
  run: 'statements about the run that hold',
  contract: 'the contract, which its parties have',
} as const

/** A link that is judged where all it needs is here. */
function link<Key extends keyof typeof LACKS>(
  name: string,
  what: string,
  needs: readonly Key[],
  judge: (documents: Known<Key>) => Verdict | undefined,
): Link {
  return {
    name,
    what,
    judge(documents) {
      const lacking = needs.find((one) => documents[one] === undefined)
      return lacking === undefined ? judge(documents as Known<Key>) : missing(LACKS[lacking])
    },
  }
}

const LINKS: readonly Link[] = [
  link('answer.model', 'This model gave the answer', ['answer', 'manifest'], ({ answer, manifest }) =>
    differ(answer.model, modelDigest(manifest)),
  ),
  link('model.files', 'Each of its files is the one that its manifest names', ['manifest'], findWrongFile),
  link(
    'model.output',
    'A file of it is what the KMS let out of the run, to the last byte',
    ['run'],
    findWrongOutput,
  ),
  link(
    'model.weights',
    'Its weights are that output, and those that the run began with: no others',
    ['manifest', 'run'],
    findStrangeWeights,
  ),
  link('run.output', 'The room made that output', ['run'], ({ output, run: { permit, provenance } }) =>
    differ(
      permit.outputs.find((one) => one.output === output)?.digest ?? 'an output of that name',
      provenance.subject.find((one) => one.name === output)?.digest.sha256,
    ),
  ),
  link('run.statements', 'The room says of the run what its KMS says', ['run'], findOtherWords),
  link(
    'run.inputs',
    'The room read the sealed files of the offer, and no others',
    ['run'],
    ({ run: { offer, provenance } }) =>
      differ(
        textOf(offer.inputs),
        textOf(
          provenance.predicate.inputs.map(({ input, artifact, content }) => ({ input, artifact, content })),
        ),
      ),
  ),
  link('run.training', 'The run is a training', ['run'], ({ run }) => {
    const step = trainedStep(run)
    return step?.training === undefined
      ? fail('a training as its last step', step?.kind ?? 'no such step')
      : undefined
  }),
  link('run.guarantee', 'What it guarantees was charged to those who ask for it', ['run'], findUncharged),
  link('contract.run', 'The run is of this contract', ['run', 'contract'], ({ run, contract }) =>
    differ(contract.digest, run.offer.contract),
  ),
  link(
    'contract.output',
    'The contract lets the model of this training out',
    ['run', 'contract'],
    findOtherOutput,
  ),
  link(
    'inputs.owners',
    'Each input is what a party of the contract brought',
    ['run', 'contract'],
    ({ run, contract }) => {
      const stranger = run.provenance.predicate.inputs.find(
        ({ input }) => ownerOf(contract, input) === undefined,
      )
      return stranger && fail('an input of the contract', stranger.input)
    },
  ),
]

/** Every link of a model that was trained in a room, from its answers to its inputs. */
export function traceModel(documents: LineageDocuments): LineageLink[] {
  return LINKS.map(({ name, what, judge }) => ({ name, what, status: 'pass', ...judge(documents) }))
}

function findWrongFile({ manifest, files }: Known<'manifest'>): Verdict | undefined {
  const told = ({ name, sha256, size }: { name: string; sha256: string; size: number }): string =>
    `${name}: ${size} bytes, ${sha256}`
  const found = new Map(files.map(({ name, sha256, bytes }) => [name, told({ name, sha256, size: bytes })]))
  const wrong = manifest.files.find((file) => found.get(file.name) !== told(file))
  return wrong && fail(told(wrong), found.get(wrong.name) ?? `no ${wrong.name}`)
}

function findWrongOutput({ files, output, run: { permit } }: Known<'run'>): Verdict | undefined {
  const permitted = permit.outputs.find((one) => one.output === output)
  if (permitted === undefined)
    return fail(`one of ${permit.outputs.map((one) => one.output).join(', ')}`, output)
  if (files.some(({ digest, bytes }) => digest === permitted.digest && bytes === permitted.bytes))
    return undefined
  return fail(
    `${permitted.bytes} bytes, ${permitted.digest}`,
    files.map(({ name, bytes, digest }) => `${name}: ${bytes} bytes, ${digest}`).join('; ') || 'no file',
  )
}

/** Files that a trained model has as its base had them, and of which no answer is made. */
const NO_WEIGHTS: readonly ModelFileRole[] = ['tokenizer', 'config']

/** Whoever packs a model could let other weights answer, with what was trained lying beside them. */
function findStrangeWeights({
  manifest: { engine, task, files: listed, base },
  files,
  output,
  run: { permit, provenance },
}: Known<'manifest' | 'run'>): Verdict | undefined {
  const digest = permit.outputs.find((one) => one.output === output)?.digest
  const made = new Set(files.filter((file) => file.digest === digest).map(({ name }) => name))
  const rest = listed.filter(({ name }) => !made.has(name))
  const begun = provenance.predicate.inputs.flatMap(({ model }) => model ?? [])
  const isOfOthers = rest.some(({ role }) => !NO_WEIGHTS.includes(role))
  const isBegunWith = !isOfOthers || begun.includes(modelDigest({ engine, task, files: rest }))
  const isOfBase = base === undefined || begun.includes(base)
  const answers = listed.some(({ name, role }) => made.has(name) && !NO_WEIGHTS.includes(role))
  if (answers && isBegunWith && isOfBase) return undefined
  return fail(
    `${output} as weights${begun.length === 0 ? '' : `, of the model ${begun.join(' or ')}`}`,
    `${listed.map(({ name, role }) => `${name} as ${role}`).join(', ')}${base === undefined ? '' : `, of ${base}`}`,
  )
}

/** What the KMS says of a run, and its room repeats. */
const REPEATED = ['genesis', 'contract', 'run', 'image', 'evidence', 'charges', 'sequence'] as const

function findOtherWords({
  run: { run, offer, receipt, permit, provenance, envelopes },
}: Known<'run'>): Verdict | undefined {
  const { predicate } = provenance
  const said: [about: string, expected: unknown, found: unknown][] = [
    ...REPEATED.map((one): [string, unknown, unknown] => [one, receipt[one], predicate[one]]),
    ['receipt', envelopes.receipt, predicate.receipt],
    ['permit', envelopes.permit, predicate.permit],
    ['run of the receipt', run, receipt.run],
    ['run of the permit', run, permit.run],
    ['evidence of the offer', offer.evidence, receipt.evidence],
    ['contract of the offer', offer.contract, receipt.contract],
  ]
  const other = said.find(([, expected, found]) => textOf(expected) !== textOf(found))
  if (other === undefined) return undefined
  const [about, expected, found] = other
  return fail(`${about} ${textOf(expected)}`, textOf(found))
}

/** Charges of a training have a delta: those without one are of figures, and of tables that nobody protects. */
function findUncharged({ run }: Known<'run'>): Verdict | undefined {
  const { epsilonMicros = 0, deltaTrillionths = 0 } = trainedStep(run)?.training ?? {}
  if (epsilonMicros === 0) return undefined
  if (run.offer.resumes !== undefined && run.charged === undefined)
    return missing(
      `what the run ${run.offer.resumes} was charged`,
      'a run that goes on with it, and is charged nothing',
    )
  const charges = chargesOfTraced(run).filter(
    (charge) => charge.transform === run.offer.transform && charge.deltaTrillionths !== undefined,
  )
  if (charges.length === 0) return missing('a charge of the training', 'no owner who keeps a budget')
  const low = charges.find(
    (one) => (one.epsilonMicros ?? 0) < epsilonMicros || (one.deltaTrillionths ?? 0) < deltaTrillionths,
  )
  return low && fail(priceWords({ epsilonMicros, deltaTrillionths }), `${low.input}: ${priceWords(low)}`)
}

function priceWords({
  epsilonMicros = 0,
  deltaTrillionths = 0,
}: Pick<Charge, 'epsilonMicros' | 'deltaTrillionths'>): string {
  return `epsilon of ${epsilonMicros} millionths, delta of ${deltaTrillionths} trillionths`
}

/** Parts of what a training makes that answer, in one form or another. */
const MODEL_PARTS: readonly OutputPart[] = ['model', 'safetensors']

function findOtherOutput({
  run: { offer },
  output,
  contract: { contract },
}: Known<'run' | 'contract'>): Verdict | undefined {
  const agreed = contract.outputs.find(({ name }) => name === output)
  const task = contract.transforms.find(({ name }) => name === agreed?.from)?.task
  const part = agreed?.part ?? 'model'
  const isModel = MODEL_PARTS.includes(part)
  if (agreed?.from === offer.transform && task !== undefined && isTraining(task) && isModel) return undefined
  return fail(
    `the model of a training, from ${offer.transform}`,
    agreed === undefined ? `no output ${output}` : `the ${part} of ${agreed.from} (${task?.kind})`,
  )
}

function differ(expected: string, found: string | undefined): Verdict | undefined {
  return expected === found ? undefined : fail(expected, found ?? 'none')
}

function fail(expected: string, found: string): Verdict {
  return { status: 'fail', expected, found }
}

function missing(expected: string, found = 'none'): Verdict {
  return { status: 'missing', expected, found }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : fromUtf8(canonicalJson(value))
}
