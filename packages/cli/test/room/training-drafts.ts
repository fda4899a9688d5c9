import { draftOf } from './drafts.ts'

/** Changes to {@link trainingDraft}. */
export interface TrainingChange {
  /** Members of `train`; undefined takes one away. */
  train?: Record<string, unknown>
  /** Of rules of both tables. */
  rules?: Record<string, unknown>
  /** Of the table of the bank. */
  payments?: Record<string, unknown>
}

/** A training of a bank and a retailer on rows of both: who pays, and who was found to cheat. */
export function trainingDraft({ train = {}, rules = {}, payments = {} }: TrainingChange): string {
  const columns = { customer: 'text', amount: 'integer', rate: 'number', kind: 'text', fraud: 'boolean' }
  const receivers = ['bank', 'retailer']
  const hasModel = JSON.stringify(train).includes('"graph"')
  return draftOf((draft) => {
    draft.title = 'Fraud'
    draft.inputs = {
      payments: {
        owner: 'bank',
        kind: 'table',
        columns,
        rules: { receivers, contributor: 'customer', ...rules },
        ...payments,
      },
      returns: { owner: 'retailer', kind: 'table', columns, rules: { receivers, ...rules } },
      ...(hasModel && { net: { owner: 'retailer', kind: 'model', rules: { receivers } } }),
    }
    draft.transforms = {
      fraud: {
        reads: ['payments', 'returns', ...(hasModel ? ['net'] : [])],
        train: {
          recipe: 'linear',
          features: { amount: '0..10000', rate: '-1.5..1.25', kind: ['card', 'transfer'] },
          label: { fraud: 'boolean' },
          ...train,
        },
      },
    }
    const figures = { from: 'fraud', part: 'metrics', receivers, max_bytes: '16KiB' }
    draft.outputs = {
      model: { from: 'fraud', receivers, max_bytes: '1MiB' },
      ...('validation' in train && { figures }),
    }
  })
}

/** A fine-tuning of the retailer's model on letters of both. */
export function finetuningDraft(finetune: Record<string, unknown> = {}): string {
  const receivers = ['bank', 'retailer']
  return draftOf((draft) => {
    draft.inputs = {
      letters: { owner: 'bank', kind: 'text', rules: { receivers } },
      replies: { owner: 'retailer', kind: 'text', rules: { receivers } },
      llama: { owner: 'retailer', kind: 'model', rules: { receivers } },
    }
    draft.transforms = {
      tune: {
        reads: ['letters', 'replies', 'llama'],
        finetune: { model: 'llama', digest: '11'.repeat(32), ...finetune },
      },
    }
    draft.outputs = {
      adapter: { from: 'tune', receivers, max_bytes: '64MiB' },
      tensors: { from: 'tune', part: 'safetensors', receivers, max_bytes: '64MiB' },
    }
  })
}
