import { describe, expect, it } from 'vitest'
import { type Contract, encodeContract, parseContract } from '@sotto/protocol/contract'
import {
  bankAndRetailer,
  changedBy,
  contradictionOf,
  everything,
  infer,
  NOISE,
  output,
  party,
  prepared,
  ROOM,
  rules,
  sql,
  summaries,
  transform,
  uses,
  wasm,
} from './contracts.ts'

const GOOD = { bankAndRetailer, summaries, everything }

it.each(Object.keys(GOOD) as (keyof typeof GOOD)[])('%s is a contract', (name) => {
  expect(contradictionOf(GOOD[name]())).toBeUndefined()
})

type Attack = [name: string, contract: Contract, refusal: string]
const onBank = (change: (one: Contract) => void): Contract => changedBy(bankAndRetailer(), change)
const onSummaries = (change: (one: Contract) => void): Contract => changedBy(summaries(), change)
const onEverything = (change: (one: Contract) => void): Contract => changedBy(everything(), change)

const FLOWS: Attack[] = [
  [
    'stranger-receiver: an output for somebody who is no party',
    onBank((one) => one.outputs[0]!.receivers.push('broker')),
    'met-offers would go to broker, whom the owner of customers does not admit',
  ],
  [
    'unadmitted-receiver: an output for a party that one owner does not admit',
    onBank((one) => {
      one.inputs[1]!.rules.receivers = ['retailer']
      one.outputs[0]!.receivers = ['retailer']
    }),
    'spent would go to bank, whom the owner of purchases does not admit',
  ],
  [
    'unadmitted-reviewer: an owner who looks at what comes of the data of another that does not admit it',
    onBank((one) => {
      one.inputs[0]!.rules.receivers = ['bank']
      one.outputs = [output('spent', 'spending', ['bank'])]
    }),
    'retailer would look at spent, which the owner of customers does not admit',
  ],
  [
    'unadmitted-reviewer-of-model: an owner of texts who looks at what a model of another made of them',
    onSummaries((one) => (one.inputs[1]!.rules.receivers = ['reader'])),
    'archive would look at summaries, which the owner of t5 does not admit',
  ],
  [
    'reviewer-through-another: an owner who looks at what another transform made of data of another',
    prepared(transform('counts', ['customers', 'purchases'], sql()), (one) => {
      one.inputs[0]!.rules.receivers = ['bank']
    }),
    'retailer would look at shown, which the owner of customers does not admit',
  ],
  [
    'unadmitted-receiver-of-model: an output for a party that the owner of the model does not admit',
    onSummaries((one) => (one.inputs[1]!.rules.receivers = ['archive'])),
    'summaries would go to reader, whom the owner of t5 does not admit',
  ],
  [
    'receiver-through-another: an output of a second transform for whom the first input does not admit',
    prepared(transform('counts', ['customers'], sql()), (one) => {
      one.inputs[0]!.rules.receivers = ['retailer']
    }),
    'shown would go to bank, whom the owner of customers does not admit',
  ],
  [
    'stranger-in-rules: rules that admit somebody who is no party',
    onBank((one) => one.inputs[0]!.rules.receivers.push('broker')),
    'broker may receive what comes of customers, and is no party',
  ],
  [
    'unused-through-another: a transform reached through another, which the owner does not let',
    prepared(transform('counts', ['customers'], sql()), (one) => {
      one.inputs[0]!.uses = uses('counts')
    }),
    'shown would read customers, whose owner does not let it',
  ],
  [
    'use-of-the-last-alone: a use of the last transform and not of the one before it',
    prepared(transform('counts', ['customers'], sql()), (one) => {
      one.inputs[0]!.uses = uses('shown')
    }),
    'counts would read customers, whose owner does not let it',
  ],
  [
    'unused-without-output: a transform that nothing is released of, which the owner does not let',
    onBank((one) => one.transforms.push(transform('hidden', ['customers'], sql()))),
    'hidden would read customers, whose owner does not let it',
  ],
  [
    'no-common-room: a strict program before a lax one',
    prepared(transform('counts', ['customers'], sql(), ['ee'.repeat(32)])),
    'no image may run shown together with what it reads',
  ],
  [
    'transcript-out: a transcript of a recording whose words are limited',
    onSummaries((one) => {
      one.inputs[0]!.kind = 'audio'
      one.transforms[0]!.task = infer({ action: 'transcribe' })
    }),
    'summaries would be a transcript, of which an owner lets out only passages',
  ],
  [
    'small-noise-budget: a budget that no run keeps',
    onBank((one) => (one.inputs[0]!.uses[1]!.epsilonMicros = NOISE.epsilonMicros - 1)),
    'the noise budget of customers for spending does not suffice for one run',
  ],
]

const KEPT_BY_QUERIES: Attack[] = [
  [
    'code-on-counted-rows: code reads a table that counts contributors',
    onEverything((one) => {
      one.transforms[2]!.reads.push('people')
      one.inputs[0]!.rules = rules(['a', 'b'], { minContributors: 2, contributor: 'id' })
    }),
    'shown runs code on people, whose rules only queries keep',
  ],
  [
    'code-on-forbidden-columns: code reads a table with a forbidden column',
    onEverything((one) => {
      one.transforms[2]!.reads.push('people')
      one.inputs[0]!.rules = rules(['a', 'b'], { forbidden: ['name'] })
    }),
    'shown runs code on people, whose rules only queries keep',
  ],
  [
    'code-on-noisy-rows: code reads a table that only leaves with noise',
    onEverything((one) => {
      one.transforms[2]!.reads.push('people')
      one.inputs[0]!.rules = rules(['a', 'b'], { noisy: true, contributor: 'id' })
    }),
    'shown runs code on people, whose rules only queries keep',
  ],
  [
    'container-on-counted-rows: a container reads a table that counts contributors',
    onEverything((one) => {
      one.transforms[3]!.reads.push('people')
    }),
    'packed runs code on people, whose rules only queries keep',
  ],
  [
    'late-noise: an exact query, and noise where nobody knows whose row it was',
    prepared(transform('exact', ['customers'], sql()), (one) => {
      one.inputs[0]!.rules.noisy = true
      one.inputs[0]!.uses = uses('exact', 'shown').map((use) => ({ ...use, epsilonMicros: 1_000_000 }))
      one.transforms[1]!.task = sql({ noise: NOISE })
    }),
    'exact reads customers without noise, which its owner asks for',
  ],
  [
    'second-exact-reader: one query with noise and one without, over the same table',
    onBank((one) => (one.inputs[0]!.rules.noisy = true)),
    'offers reads customers without noise, which its owner asks for',
  ],
  [
    'uncharged-noise: noise that no budget limits',
    onBank((one) => {
      one.inputs[1]!.rules.noisy = true
      one.inputs[1]!.uses = uses('spending')
      one.transforms = [one.transforms[1]!]
      one.inputs[0]!.uses.shift()
      one.outputs.shift()
    }),
    'spending adds noise to purchases, which has no budget of it',
  ],
  [
    'code-on-recording: code reads a recording whose words are limited',
    onEverything((one) => {
      one.inputs[1]!.kind = 'audio'
      one.transforms[1]!.task = infer({ action: 'transcribe', model: 'net' })
      one.transforms[2]!.reads.push('notes')
    }),
    'shown reads notes, of which only a transcript tells the words that its owner counts',
  ],
]

const IDLE_RULES: Attack[] = [
  [
    'counted-model: contributors of a model',
    onSummaries((one) => (one.inputs[1]!.rules.minContributors = 2)),
    't5 has rules of rows and columns, and is no table',
  ],
  [
    'counted-text: contributors of texts',
    onSummaries((one) => (one.inputs[0]!.rules.minContributors = 2)),
    'letters has rules of rows and columns, and is no table',
  ],
  [
    'noisy-code: noise on code',
    onEverything((one) => (one.inputs[3]!.rules.noisy = true)),
    'module has rules of rows and columns, and is no table',
  ],
  [
    'columns-of-text: forbidden columns of texts',
    onSummaries((one) => (one.inputs[0]!.rules.forbidden = ['name'])),
    'letters has rules of rows and columns, and is no table',
  ],
  [
    'contributor-of-text: a column of contributors of texts',
    onSummaries((one) => (one.inputs[0]!.rules.contributor = 'id')),
    'letters has rules of rows and columns, and is no table',
  ],
  [
    'words-of-model: common words with a model',
    onSummaries((one) => (one.inputs[1]!.rules.maxCommonWords = 2)),
    't5 has a rule of words, and is neither text nor audio',
  ],
  [
    'words-of-table: common words with a table',
    onBank((one) => (one.inputs[0]!.rules.maxCommonWords = 2)),
    'customers has a rule of words, and is neither text nor audio',
  ],
  [
    'nobody-counted: contributors without a column of them',
    onBank((one) => delete one.inputs[0]!.rules.contributor),
    'customers counts contributors, and no column says who they are',
  ],
  [
    'nobody-hidden: noise without a column of contributors',
    onBank((one) => (one.inputs[0]!.rules = rules(['bank', 'retailer'], { noisy: true }))),
    'customers counts contributors, and no column says who they are',
  ],
  [
    'unknown-contributor: a column of contributors that is not there',
    onBank((one) => (one.inputs[0]!.rules.contributor = 'person')),
    'customers has no column person of contributors',
  ],
  [
    'forbidden-typo: a forbidden column that is not there',
    onBank((one) => (one.inputs[0]!.rules.forbidden = ['ibann'])),
    'customers forbids ibann, which is no column of it',
  ],
]

describe.each<[string, Attack[]]>([
  ['whom an owner does not let have it', FLOWS],
  ['rules that only a query keeps', KEPT_BY_QUERIES],
  ['rules that nobody could keep', IDLE_RULES],
])('%s', (_, attacks) => {
  it.each(attacks)('%s: refused', (_name, contract, refusal) => {
    expect(contradictionOf(contract)).toBe(`contract contradicts itself: ${refusal}`)
  })
})

describe('what is allowed', () => {
  it('early-noise: noise where the table is read, and anything after it', () => {
    const noisy = onBank((one) => {
      one.inputs = [one.inputs[0]!]
      one.inputs[0]!.rules.noisy = true
      one.inputs[0]!.uses = [...uses('exact', 'coded'), { transform: 'noised', runs: 9, epsilonMicros: 5e6 }]
      one.inputs.push({
        ...summaries().inputs[1]!,
        name: 'module',
        kind: 'code',
        owner: 'retailer',
        uses: uses('coded'),
        rules: rules(['bank', 'retailer']),
      })
      one.transforms = [
        transform('noised', ['customers'], sql({ noise: NOISE })),
        transform('exact', ['noised'], sql()),
        transform('coded', ['exact', 'module'], wasm('module')),
      ]
      one.outputs = [output('exact', 'exact', ['bank']), output('coded', 'coded', ['bank'])]
    })
    expect(contradictionOf(noisy)).toBeUndefined()
  })

  it('a summary of a transcript, where the words of a recording are limited', () => {
    const spoken = onSummaries((one) => {
      one.inputs[0]!.kind = 'audio'
      one.inputs.push({ ...one.inputs[1]!, name: 'whisper' })
      for (const input of one.inputs) input.uses = uses('transcribe', 'summarise')
      one.transforms.unshift(
        transform('transcribe', ['letters', 'whisper'], infer({ action: 'transcribe', model: 'whisper' })),
      )
      one.transforms[1]!.reads = ['transcribe', 't5']
    })
    expect(contradictionOf(spoken)).toBeUndefined()
  })

  it('one party alone, and an owner that is no receiver', () => {
    const alone = onBank((one) => {
      one.parties = [party('bank', 1)]
      one.inputs = [one.inputs[0]!]
      one.inputs[0]!.rules.receivers = ['bank']
      one.transforms = [
        transform('offers', ['customers'], sql()),
        transform('spending', ['customers'], sql()),
      ]
      one.outputs = [output('met-offers', 'offers', ['bank'])]
    })
    expect(contradictionOf(alone)).toBeUndefined()
  })

  it('an owner who looks at what comes of its own data alone, and receives nothing', () => {
    const own = onSummaries((one) => {
      one.inputs[1]!.owner = 'archive'
      one.inputs[1]!.rules.receivers = ['reader']
    })
    expect(contradictionOf(own)).toBeUndefined()
  })

  it('an owner who looks only at outputs that come of its data', () => {
    const elsewhere = onBank((one) => {
      one.inputs[0]!.rules.receivers = ['bank']
      one.transforms[0]!.reads = ['customers']
      one.transforms[1]!.reads = ['purchases']
      one.transforms[1]!.task = sql()
      one.inputs[0]!.uses = uses('offers')
      one.inputs[1]!.uses = uses('spending')
      one.outputs = [output('met-offers', 'offers', ['bank']), output('spent', 'spending', ['bank'])]
    })
    expect(contradictionOf(elsewhere)).toBeUndefined()
  })

  it('a room that some steps share with fewer images than each has', () => {
    const rooms = prepared(transform('counts', ['customers'], sql(), ['ee'.repeat(32), ROOM]))
    expect(contradictionOf(rooms)).toBeUndefined()
  })
})

describe('the largest contracts', () => {
  /** As many inputs, transforms and edges as there may be, each transform reading all before it. */
  const largest = (): Contract => {
    const one = bankAndRetailer()
    const steps = Array.from({ length: 32 }, (_, at) => `t${at}`)
    const names = Array.from({ length: 64 }, (_, at) => `i${at}`)
    const everybody = Array.from({ length: 16 }, (_, at) => `p${at}`)
    return {
      ...one,
      parties: everybody.map((name, at) => party(name, at + 1)),
      inputs: names.map((name) => ({
        name,
        owner: 'p0',
        kind: 'table',
        columns: [{ name: 'a', type: 'text' }],
        uses: uses(...steps),
        rules: rules(everybody, { forbidden: ['a'] }),
      })),
      transforms: steps.map((name) => transform(name, names, sql())),
      outputs: names.map((name) => output(name, 't31', everybody)),
    }
  }
  const wide = (): Contract =>
    onBank((one) => {
      const columns = Array.from({ length: 256 }, (_, at) => ({ name: `c${at}`, type: 'date' as const }))
      const forbidden = columns.map(({ name }) => name)
      const input = { ...one.inputs[1]!, columns, rules: rules(['bank', 'retailer'], { forbidden }) }
      one.inputs = Array.from({ length: 20 }, (_, at) => ({ ...input, name: `i${at}` }))
      const reads = one.inputs.map(({ name }) => name)
      one.transforms = ['offers', 'spending'].map((name) => transform(name, reads, sql()))
    })

  it.each([
    ['with every edge', largest],
    ['with every column', wide],
  ])('%s are read in a moment', (_, build) => {
    const encoded = encodeContract(build())
    expect(encoded.length).toBeGreaterThan(100_000)
    expect(encoded.length).toBeLessThan(262_144)
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now()
      parseContract(encoded)
      return performance.now() - start
    })
    // Ten milliseconds each; a bound that a busy machine keeps.
    expect(Math.min(...times)).toBeLessThan(150)
  })
})
