/** A draft of a training with a guarantee, with everything that people ask for most. */
export const TRAINING_DRAFT = `title: One model of fraud
parties: [alder, birch]
inputs:
  alder-payments:
    owner: alder
    kind: table
    columns: {customer: text, amount: integer, score: number, kind: text, fraud: boolean}
    rules:
      receivers: [alder, birch]
      contributor: customer            # who is protected: everybody whom this column names
      noisy: true                      # nothing leaves without a guarantee
  birch-payments:
    owner: birch
    kind: table
    columns: {customer: text, amount: integer, score: number, kind: text, fraud: boolean}
    rules: {receivers: [alder, birch], contributor: customer, noisy: true}
    uses: {fraud: {runs: 2}}           # default: one run; epsilon and delta follow from runs
transforms:
  fraud:
    reads: [alder-payments, birch-payments]
    train:
      recipe: logistic                 # linear, logistic, softmax, mlp, gbdt, graph
      features:                        # agreed on, never found in data
        amount: 0..10000               # what is past the bounds counts as they do
        score: 0.00..1.00
        kind: [card, transfer]         # all other values are one
      label: {fraud: boolean}          # or classes: [low, high], or bounds
      steps: 800                       # default 1000
      batch: 256
      learning_rate: 0.05              # default 0.01
      privacy: {epsilon: 3, delta: 1e-5, contributors: 20000}
      validation: 0.2                  # of the contributors, drawn by chance; or [TABLE]
      metrics_epsilon: 1               # what figures of protected rows cost
outputs:
  model: {from: fraud, receivers: [alder, birch], max_bytes: 1MiB}
  figures: {from: fraud, part: metrics, receivers: [alder, birch], max_bytes: 64KiB}
`

/** Text of `sotto help training`. */
export const TRAINING_TOPIC = `Training

Parties of a clean room train one model on the rows of all of them. A training is a computation of a
contract as any other: sotto help rooms has the way there.

  sotto train init FILE --label COLUMN   write a draft from the columns of a table of yours
  sotto train check DRAFT                what a run costs, and how large the model is
  sotto train run                        ask for it, and see it through
  sotto train status, plot               how far it is; its loss, where parties may see it
  sotto train resume, cancel             go on in another room; end it
  sotto finetune                         tune a model of yours on texts of yours, without a draft

A draft. What else train takes:

  recipe: {mlp: {hidden: [64, 32], activation: relu or tanh}}
          {gbdt: {trees: N, depth: N, bins: N, learning_rate: N, lambda: N, min_child_weight: N}}
          {graph: {model: INPUT, digest: HEX or path: FILE, output: NAME}}
  tables: [INPUT, ...]                   default: all that it reads and nothing else is said of
  join_on: [COLUMN]                      columns of one person in several tables, by a key
  features, label: boolean, or {min: N, max: N}
  optimiser: adamw, sgd or {adamw: {beta1: N, beta2: N, weight_decay: N}}, {sgd: {momentum: N}}
  schedule: cosine, linear, constant or {cosine: {warmup: N, floor: N}}
  stop_early: {every: N, patience: N}
  privacy: noise: N in place of epsilon, sample_rate: N in place of contributors, clip: N,
           max_rows_per_contributor: N, exact: true for discrete noise, all rows in each step
  metrics: [loss, accuracy, auc]
  predict: {table: INPUT, key: COLUMN}   part: predictions, of an output
  show: steps or loss                    what parties see while it runs
  memory: 1GiB
  seconds: 3600

An adapter of a model, learned from texts, in place of train:

  finetune: {model: INPUT, digest: HEX or path: FILE, rank: 8, alpha: 16, targets: [attn_q, attn_v],
             texts: [INPUT], tokens: 128}, and steps, batch (of windows), optimiser, learning_rate,
             schedule, stop_early, privacy, validation, metrics, show, memory, seconds as above

${TRAINING_DRAFT}`
