import { FORMS } from '../../../protocols/session/instance.ts'
import type { SignatureForm } from '../../port/messages.ts'

/** How a signature is to come about (02 §6), as its opening says. */
export type Manner =
  | { readonly form: typeof FORMS.full | typeof FORMS.correlated; readonly presignature: null }
  /** `presignature`: its id, 16 bytes. */
  | { readonly form: typeof FORMS.presigned; readonly presignature: Uint8Array }

export const IN_FULL: Manner = { form: FORMS.full, presignature: null }
export const FROM_CORRELATIONS: Manner = { form: FORMS.correlated, presignature: null }
export const fromPresignature = (id: Uint8Array): Manner => ({
  form: FORMS.presigned,
  presignature: id,
})

/** The form as the host is told it. */
export function nameOf({ form }: Manner): SignatureForm {
  if (form === FORMS.presigned) return 'presigned'
  return form === FORMS.correlated ? 'correlated' : 'full'
}
