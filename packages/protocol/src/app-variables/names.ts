/** Names of environment variables that a deployment may give its app, as settings or secrets. */
export const APP_VARIABLE: RegExp = /^[A-Z][A-Z0-9_]{0,63}$/

/** Variables that say where an app is; nobody but the enclave sets them. */
export const OWN_VARIABLES: readonly string[] = [
  'HOME',
  'OPENAI_API_KEY',
  'OPENAI_BASE_URL',
  'PATH',
  'PORT',
  'TMPDIR',
]

/**
 * Names by which a loader, a shell or an interpreter is told what to load or to run. Whoever sets one of them runs code of
 * theirs in an app whose digest says otherwise.
 */
const LOADERS: readonly RegExp[] = [
  // ld.so(8) and the C library.
  /^(?:LD_|GLIBC_|GCONV_)|^LOCPATH$/,
  // Shells expand what some of these hold, and so run it.
  /^BASH_|^(?:BASHOPTS|ENV|IFS|PROMPT_COMMAND|PS4|SHELLOPTS|ZDOTDIR)$/,
  // Of Node, all but the one that programs ask for themselves.
  /^NODE_(?!ENV$)|^(?:BUN|DENO)_/,
  /^(?:PERL|PYTHON|RUBY)|^GEM_(?:HOME|PATH)$|^BUNDLE_(?:GEMFILE|PATH)$/,
  /^(?:CLASSPATH|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS)$/,
  /^DOTNET_(?!ENVIRONMENT$)|^(?:COMPLUS|CORECLR)_|^COR_(?:ENABLE_PROFILING|PROFILER)/,
  /^(?:PHPRC|PHP_INI_SCAN_DIR|AWKPATH|AWKLIBPATH|TCLLIBPATH)$/,
  /^(?:LUA_(?:C?PATH|INIT)|ERL_|ELIXIR_|GUILE_|JULIA_|R_(?:ENVIRON|LIBS|PROFILE))/,
  /^OPENSSL_(?:CONF|ENGINES|MODULES)$/,
]

/** Whether a variable is the enclave's to set, or nobody's: no deployment gives its app one of these. */
export function isReservedVariable(name: string): boolean {
  return (
    OWN_VARIABLES.includes(name) || name.startsWith('SOTTO_') || LOADERS.some((names) => names.test(name))
  )
}
