import type { CredentialKind } from '../credential/index.ts';

export type ProtocolId = string;

/** Which decoder the browser loads. */
export const SURFACES = ['terminal', 'rfb', 'rdp', 'guacamole'] as const;
export type SurfaceKind = (typeof SURFACES)[number];

/** One text in every language of the interface; the manifest brings its own, so that the web names no protocol. */
export interface LocalizedText {
  readonly en: string;
  readonly de: string;
}

export type ParameterValue = string | number | boolean | readonly string[];
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

interface FieldBase {
  readonly name: string;
  readonly label: LocalizedText;
  readonly help?: LocalizedText;
  /** Fields with the same group stand together in the form. */
  readonly group: LocalizedText;
  /** The form is not sent without it. Who opens what it describes checks that again. */
  readonly required?: true;
  /** Of no concern, and not in the form, unless the choice `field` is this. */
  readonly when?: { readonly field: string; readonly is: string };
  /** A weakening of safety: named so in the form, and audited when set to anything but its default. */
  readonly weakens?: true;
}

/** A form field, its validation and its documentation, as data. */
export type ParameterField = FieldBase &
  (
    | { readonly kind: 'text'; readonly default?: string; readonly maxLength: number; readonly pattern?: string }
    | {
        readonly kind: 'number';
        readonly default?: number;
        readonly minimum: number;
        readonly maximum: number;
        readonly unit?: string;
      }
    | { readonly kind: 'boolean'; readonly default: boolean }
    | {
        readonly kind: 'choice';
        readonly default: string;
        readonly options: readonly { readonly value: string; readonly label: LocalizedText }[];
      }
    /** Lines of text, for example `NAME=value`. */
    | { readonly kind: 'list'; readonly maxItems: number; readonly maxLength: number; readonly pattern?: string }
  );

export interface EngineManifest {
  readonly id: ProtocolId;
  readonly label: LocalizedText;
  readonly surface: SurfaceKind;
  readonly defaultPort: number;
  readonly parameters: readonly ParameterField[];
  readonly credentialKinds: readonly CredentialKind[];
  /** Whether targets of this protocol may be reached through jump hosts. */
  readonly jumpHosts: boolean;
  /** Targets of this protocol can be jump hosts: they pass connections on. */
  readonly carries?: true;
  /** Sessions of this protocol have files, and its targets can hold those of sessions on others (`ProtocolEngine.openFiles`). */
  readonly holdsFiles?: true;
  /** Whether the target proves its identity by a key that can be pinned. */
  readonly hostKeys: boolean;
  /** The protocol has no encryption: refused unless the installation allows it (`egress.allowCleartext`), and shown. */
  readonly cleartext?: true;
  /** Name of the file of this protocol's own from which machines can be imported (`ProtocolEngine.readFile`). */
  readonly importsFile?: LocalizedText;
}
