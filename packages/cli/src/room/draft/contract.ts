import { SottoError } from '@sotto/protocol/errors'
import {
  type Contract,
  encodeContract,
  type Input,
  type Name,
  type NamedContract,
  parseContract,
  type Party,
  type Task,
  type Transform,
} from '@sotto/protocol/contract'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
import type { DraftFiles } from './files.ts'
import { draftError } from './read.ts'
import { finetuneTaskOf, trainTaskOf } from './train/index.ts'
import type { Draft, DraftTransform } from './types.ts'
import { useOf } from './uses.ts'

/** What a draft becomes a contract with. */
export interface DraftContext {
  genesis: Digest
  /** Keys by name, of members of the room. */
  parties: ReadonlyMap<Name, Party>
  /** Images of the room, where a transform names none. */
  room: readonly Digest[]
  /** 32 random bytes, base64url, where the draft has no salt. */
  salt: string
  now: UnixSeconds
  files: DraftFiles
}

const DAY = 86_400

/**
 * The contract of a draft, checked as every party will check it.
 * @throws `ROOM_DRAFT` where it contradicts itself, or names somebody who is no member
 */
export function contractOf(draft: Draft, context: DraftContext): NamedContract {
  const { path, title, consent, valid, salt } = draft
  const notBefore = valid.from ?? context.now
  const transforms = Object.entries(draft.transforms).map(([name, one]) =>
    transformOf(name, one, { ...context, draft }),
  )
  const contract: Contract = {
    format: 'sotto-contract/1',
    genesis: context.genesis,
    title,
    salt: salt ?? context.salt,
    parties: draft.parties.map((name) => partyOf(name, draft, context)),
    inputs: inputsOf(draft, transforms),
    transforms,
    outputs: Object.entries(draft.outputs).map(([name, { part, ...output }]) => ({
      name,
      ...output,
      ...(part !== undefined && { part }),
    })),
    consent,
    notBefore,
    notAfter: notBefore + valid.days * DAY,
  }
  try {
    return parseContract(encodeContract(contract))
  } catch (error) {
    if (!(error instanceof SottoError)) throw error
    const { message, expected, found } = (error.cause ?? error) as SottoError
    throw draftError(path, inWordsOf(draft, message), {
      cause: error,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
}

/** What a contract calls by its number, a draft calls by its name. */
function inWordsOf(draft: Draft, message: string): string {
  return message
    .replace(/^contract(?: contradicts itself: |\.)/, '')
    .replace(
      /^(inputs|transforms|outputs)\[(\d+)\]/,
      (_, members: 'inputs' | 'transforms' | 'outputs', at) => {
        return `${members}.${Object.keys(draft[members])[Number(at)]}`
      },
    )
}

function partyOf(name: Name, { path }: Draft, { parties }: DraftContext): Party {
  const party = parties.get(name)
  if (party !== undefined) return { ...party, name }
  throw draftError(path, `${name} is no member of the room`, {
    expected: [...parties.keys()].join(', ') || 'nobody has joined yet',
    found: name,
    hint: 'wait until they have joined: sotto room status shows who has',
  })
}

function inputsOf(draft: Draft, transforms: readonly Transform[]): Input[] {
  const reach = reachOf(draft)
  requireReached(draft, reach)
  return Object.entries(draft.inputs).map(([name, { owner, kind, columns, content, rules, uses }]) => ({
    name,
    owner,
    kind,
    ...(columns && { columns }),
    ...(content !== undefined && { content }),
    uses:
      uses === undefined
        ? transforms.filter((one) => reach.get(one.name)!.has(name)).map((one) => useOf(one, name))
        : Object.entries(uses).map(([transform, use]) =>
            useOf(transforms.find((one) => one.name === transform) ?? { name: transform }, name, use),
          ),
    rules,
  }))
}

/** What reaches each transform, as far as it reads what stands before it: all else the contract refuses. */
function reachOf({ inputs, transforms }: Draft): Map<Name, ReadonlySet<Name>> {
  const reach = new Map<Name, ReadonlySet<Name>>(Object.keys(inputs).map((name) => [name, new Set([name])]))
  for (const [name, { reads }] of Object.entries(transforms))
    reach.set(name, new Set(reads.flatMap((read) => [...(reach.get(read) ?? [])])))
  return reach
}

/** An input without uses is for what reads it, so something has to. @throws `ROOM_DRAFT` */
function requireReached(
  { path, inputs, transforms }: Draft,
  reach: ReadonlyMap<Name, ReadonlySet<Name>>,
): void {
  for (const [name, { reads }] of Object.entries(transforms)) {
    const unknown = reads.find((read) => !reach.has(read))
    if (unknown !== undefined)
      throw draftError(path, `${name} reads ${unknown}, which is no input and no transform`)
  }
  const reached = new Set(Object.keys(transforms).flatMap((name) => [...reach.get(name)!]))
  const idle = Object.keys(inputs).find((name) => !reached.has(name))
  if (idle !== undefined) throw draftError(path, `nothing reads the input ${idle}`)
}

interface InDraft extends DraftContext {
  draft: Draft
}

function transformOf(name: Name, { reads, room, task }: DraftTransform, context: InDraft): Transform {
  return { name, reads, room: room ?? [...context.room], task: taskOf(name, { reads, task }, context) }
}

function taskOf(
  name: Name,
  { reads, task }: Pick<DraftTransform, 'reads' | 'task'>,
  { files, draft: { path } }: InDraft,
): Task {
  if (task.kind === 'train' || task.kind === 'finetune') {
    const refuse = (member: string, message: string, found?: string): Error =>
      draftError(
        path,
        `transforms.${name}.${task.kind}.${member}: ${message}`,
        found === undefined ? {} : { found },
      )
    const context = { reads, models: files.models, refuse }
    return task.kind === 'train' ? trainTaskOf(task, context) : finetuneTaskOf(task, context)
  }
  if (task.kind === 'infer') {
    const { digest } = task
    return { ...task, digest: typeof digest === 'string' ? digest : files.models.get(digest.path)! }
  }
  if (task.kind !== 'sql') return task
  const templates = task.templates.map(({ sql, ...template }) => ({
    ...template,
    sql: typeof sql === 'string' ? sql : files.queries.get(sql.file)!,
  }))
  return { ...task, templates }
}
