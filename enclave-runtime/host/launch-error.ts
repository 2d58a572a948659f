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

  constructor(code: LaunchError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
