import { cliError } from '../errors.ts'
import type { PulledEngine, PulledTask } from './manifest.ts'

/** Which engine runs a model, and for what. */
export interface EngineChoice {
  engine: PulledEngine
  task: PulledTask
}

/** Speech encoders with a CTC head and the interface of wav2vec2. */
const CTC = new Set(['wav2vec2', 'hubert', 'wavlm', 'unispeech', 'unispeech-sat'])
const SEQ2SEQ = new Set(['t5', 'mt5', 'bart'])
const SENTENCES = new Set([
  'bert',
  'distilbert',
  'roberta',
  'xlm-roberta',
  'camembert',
  'mpnet',
  'albert',
  'electra',
])
/** Heads whose outputs are not token vectors. */
const OTHER_HEADS =
  /For(SequenceClassification|TokenClassification|QuestionAnswering|MultipleChoice|CausalLM)$/

/**
 * Decides by `config.json` which engine runs an ONNX model. The hub controls the file.
 * @throws `CLI_MODEL` where none does
 */
export function engineOf(config: Readonly<Record<string, unknown>>): EngineChoice {
  const kind = String(config['model_type'] ?? '')
  const listed = config['architectures']
  const architectures = Array.isArray(listed) ? listed.map(String) : []
  if (kind === 'whisper') return { engine: 'whisper', task: 'transcription' }
  if (CTC.has(kind) && (architectures.length === 0 || architectures.some((name) => name.endsWith('ForCTC'))))
    return { engine: 'ctc', task: 'transcription' }
  if (SEQ2SEQ.has(kind) && !architectures.some((name) => OTHER_HEADS.test(name)))
    return { engine: 'seq2seq', task: 'summarization' }
  if (SENTENCES.has(kind) && !architectures.some((name) => OTHER_HEADS.test(name)))
    return { engine: 'embedding', task: 'embedding' }
  throw cliError('CLI_MODEL', 'no engine of this version runs such a model', {
    found: [kind || 'no model_type', ...architectures].join(', ').slice(0, 200),
    expected: 'whisper, wav2vec2 with CTC, t5 or bart, bert-like encoders (all as ONNX), or GGUF',
  })
}
