/** An object of which every member asked for is a method that answers later. */
type Later<T, Name extends keyof T> = {
  [Key in Name]: T[Key] extends (...args: infer Args) => Promise<infer Result>
    ? (...args: Args) => Promise<Result>
    : never
}

/**
 * Methods whose code is loaded when one of them is called first: a page that verifies and asks is not to wait for what
 * it does not use. What cannot be loaded rejects the call, and is tried again with the next one.
 */
export function lazily<T extends object, Name extends keyof T>(
  names: readonly Name[],
  load: () => Promise<T>,
): Later<T, Name> {
  let loading: Promise<T> | undefined
  function loaded(): Promise<T> {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
  const methods = names.map((name) => [
    name,
    async (...args: unknown[]) => {
      const owner = await loaded()
      return (owner[name] as (...given: unknown[]) => Promise<unknown>).apply(owner, args)
    },
  ])
  return Object.fromEntries(methods) as Later<T, Name>
}
