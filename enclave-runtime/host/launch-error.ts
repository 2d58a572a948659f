/** The guest did not start; `message` says what to do. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError'
  readonly code:
    | 'BUNDLE_MISSING'
    | 'BUNDLE_NOT_ALLOWED'
    | 'KEYS_MISSING'
    | 'KEYS_EXIST'
    | 'KEYS_UNSAFE'
    | 'GUEST_ENDED'
    | 'GUEST_SILENT'
  /** Of a guest that ended before it said hello (04 §1); null where none was started or a signal ended it. */
  readonly exitCode: number | null

  constructor(
    code: LaunchError['code'],
    message: string,
    options: ErrorOptions & { readonly exitCode?: number | null } = {},
  ) {
    super(message, options)
    this.code = code
    this.exitCode = options.exitCode ?? null
  }
}
