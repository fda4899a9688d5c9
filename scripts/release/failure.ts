/** Something a person can put right: printed as `error:` and `hint:`, without a stack. */
export class ReleaseFailure extends Error {
  readonly hint: string

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.hint = hint
  }
}
