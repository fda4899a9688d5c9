/** What every command takes that has a model answer. */
export const ANSWER_FLAGS = {
  system: { type: 'string', value: 'TEXT', summary: 'instructions for the model' },
  'max-tokens': {
    type: 'number',
    value: 'N',
    summary: 'longest answer',
    min: 1,
    max: 1_000_000,
    integer: true,
  },
} as const
