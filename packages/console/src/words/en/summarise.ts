import { size } from './size.ts'

const number = new Intl.NumberFormat('en')

/** The page for summaries. */
export const summarise = {
  title: 'Summarise',
  lead: 'A long text becomes a short one, inside the enclave that this browser has checked.',
  original: 'Original',
  paste: 'Paste a text here, or drop a file of text',
  file: 'Open a file',
  counts: (words: number, characters: number) =>
    `${number.format(words)} ${words === 1 ? 'word' : 'words'}, ${number.format(characters)} characters`,
  clear: 'Clear',
  kept: 'Text, reference and summary are kept in this browser, and nowhere else, until you clear or remove them. Each tab has its own; a new one begins with the last.',
  length: 'Length',
  lengths: { short: 'Short', medium: 'Medium', long: 'Long', exact: 'Number of words' },
  about: (words: number) => `about ${words} words`,
  words: 'Words',
  model: 'Model',
  models: {
    loading: 'Asking the service for its models …',
    none: 'This service has no model that summarises.',
    failed: 'The models of the service could not be listed.',
    summary: 'made to summarise',
    chat: 'chat model',
    own: 'yours',
  },
  reference: 'Compare with a summary that you have',
  referenceNote:
    'ROUGE and BLEU say how many words and runs of words the two share. Computed in this browser.',
  referenceLabel: 'Reference summary',
  start: 'Summarise',
  summary: 'Summary',
  empty: 'The summary appears here while it is written.',
  working: 'Reading the text …',
  part: (index: number, count: number) => `Part ${index} of ${count}`,
  partOfRound: (index: number, count: number, round: number) => `Part ${index} of ${count}, round ${round}`,
  joining: (count: number) => `Summarising the ${count} summaries`,
  inParts: (count: number) => `in ${count} parts, because the text is longer than this model takes`,
  done: (words: number, seconds: number) =>
    `${number.format(words)} ${words === 1 ? 'word' : 'words'} in ${seconds.toFixed(1)} s`,
  receipts: (count: number) =>
    count === 1 ? 'with a receipt that holds' : `with ${count} receipts that hold`,
  cut: 'The model reached its limit before it was done: the summary may end too early.',
  cancelled: 'Cancelled. What was written until then:',
  older: 'The text or a setting has changed since this summary.',
  scores: {
    title: 'Beside the reference',
    rouge1: 'ROUGE-1',
    rouge2: 'ROUGE-2',
    rougeL: 'ROUGE-L',
    bleu: 'BLEU-4',
    time: 'Time',
    seconds: (seconds: number) => `${seconds.toFixed(1)} s`,
    explain: {
      rouge1: 'words in common (F1)',
      rouge2: 'pairs of words in common (F1)',
      rougeL: 'longest common sequence (F1)',
      bleu: 'runs of up to four words in common',
      time: 'from the click to the last word',
    },
  },
  refused: {
    kind: (name: string) => `${name} is no text. Files that end in .txt or .md are taken.`,
    size: (name: string, bytes: number, most: number) =>
      `${name} has ${size(bytes)}, and at most ${size(most)} are taken.`,
    encoding: (name: string) => `${name} is not text in UTF-8.`,
    long: (characters: number, most: number) =>
      `The text has ${number.format(characters)} characters, and at most ${number.format(most)} are taken.`,
    words: (least: number, most: number) => `A number of words from ${least} to ${number.format(most)}.`,
  },
  tooLong: {
    message: 'This text is too long for this model.',
    hint: 'Choose a model with a longer context, or summarise a part of the text.',
    rounds: (most: number) => `at most ${most} rounds`,
    moreRounds: 'more',
    parts: (count: number) => `${count} parts`,
    mostParts: (most: number) => `at most ${most} parts`,
    characters: (count: number) => `${number.format(count)} characters`,
    shorter: (than: number) => `fewer than ${number.format(than)} characters`,
    least: (characters: number) => `at least ${number.format(characters)} characters in a request`,
  },
}
