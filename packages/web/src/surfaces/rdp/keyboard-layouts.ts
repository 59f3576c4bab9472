/** The characters on the keys of one layout, in the order of `PLACES`. A combining character is a dead key; a space is none. */
export interface KeyboardLayout {
  /** As Windows numbers it. */
  readonly id: number;
  readonly plain: string;
  readonly shift: string;
  /** Those that Windows and X agree on. */
  readonly altGr: string;
}

/** Scan codes of set 1: the rows of the keyboard from the top, then the two keys that Japanese and Brazilian ones have besides. */
export const PLACES: readonly number[] = [
  0x29,
  ...Array.from({ length: 12 }, (_, index) => 0x02 + index),
  ...Array.from({ length: 12 }, (_, index) => 0x10 + index),
  ...Array.from({ length: 11 }, (_, index) => 0x1e + index),
  ...[0x2b, 0x56],
  ...Array.from({ length: 10 }, (_, index) => 0x2c + index),
  ...[0x73, 0x7d],
];

/** By language tag (BCP 47), as of xkeyboard-config 2.35. */
export const KEYBOARD_LAYOUTS: Readonly<Record<string, KeyboardLayout>> = {
  'cs-CZ': {
    id: 0x405,
    plain: ';+ěščřžýáíé=\u0301qwertzuiopú)asdfghjklů§\u0308\\yxcvbnm,.-',
    shift: '\u030a1234567890%\u030cQWERTZUIOP/(ASDFGHJKL"!\'|YXCVBNM?:_',
    altGr: '` @#$ ^&*{}\\ \\|€       []~  []`   $ \\  #&@{}^<>*',
  },
  'da-DK': {
    id: 0x406,
    plain: "½1234567890+\u0301qwertyuiopå\u0308asdfghjklæø'<zxcvbnm,.-",
    shift: '§!"#¤%&/()=?\u0300QWERTYUIOPÅ\u0302ASDFGHJKLÆØ*>ZXCVBNM;:_',
    altGr: '  @ $  {[]} |@ €        \u0303            \\      µ',
  },
  'de-CH': {
    id: 0x807,
    plain: "§1234567890'\u0302qwertzuiopü\u0308asdfghjklöä$<yxcvbnm,.-",
    shift: '°+"*ç%&/()=?\u0300QWERTZUIOPè!ASDFGHJKLéà£>YXCVBNM;:_',
    altGr: ' |@#   | ]} \u0303@ €       []          {}\\      µ',
  },
  'de-DE': {
    id: 0x407,
    plain: '\u03021234567890ß\u0301qwertzuiopü+asdfghjklöä#<yxcvbnm,.-',
    shift: '°!"§$%&/()=?\u0300QWERTZUIOPÜ*ASDFGHJKLÖÄ\'>YXCVBNM;:_',
    altGr: '  ²³   {[]}\\ @ €        ~            |      µ',
  },
  'en-GB': {
    id: 0x809,
    plain: "`1234567890-=qwertyuiop[]asdfghjkl;'#\\zxcvbnm,./",
    shift: '¬!"£$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~|ZXCVBNM<>?',
    altGr: '| ²³€  {[]}\\ @                       |      µ',
  },
  'en-US': {
    id: 0x409,
    plain: "`1234567890-=qwertyuiop[]asdfghjkl;'\\ zxcvbnm,./",
    shift: '~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"| ZXCVBNM<>?',
    altGr: '',
  },
  'es-419': {
    id: 0x80a,
    plain: "|1234567890'¿qwertyuiop\u0301+asdfghjklñ{}<zxcvbnm,.-",
    shift: '°!"#$%&/()=?¡QWERTYUIOP\u0308*ASDFGHJKLÑ[]>ZXCVBNM;:_',
    altGr: ' |@ ~  {[]}\\ @ €        ~         ~\u0302\u0300\\      µ',
  },
  'es-ES': {
    id: 0x40a,
    plain: "º1234567890'¡qwertyuiop\u0300+asdfghjklñ\u0301ç<zxcvbnm,.-",
    shift: 'ª!"·$%&/()=?¿QWERTYUIOP\u0302*ASDFGHJKLÑ\u0308Ç>ZXCVBNM;:_',
    altGr: '\\|@#~  {[]}\\ @ €       []          {}|      µ',
  },
  'fi-FI': {
    id: 0x40b,
    plain: "§1234567890+\u0301qwertyuiopå\u0308asdfghjklöä'<zxcvbnm,.-",
    shift: '½!"#¤%&/()=?\u0300QWERTYUIOPÅ\u0302ASDFGHJKLÖÄ*>ZXCVBNM;:_',
    altGr: '  @ $  {[]}\\   €        \u0303            |      µ',
  },
  'fr-BE': {
    id: 0x80c,
    plain: '²&é"\'(§è!çà)-azertyuiop\u0302$qsdfghjklmùµ<wxcvbn,;:=',
    shift: '³1234567890°_AZERTYUIOP\u0308*QSDFGHJKLM%£>WXCVBN?./+',
    altGr: ' |@#  ^{[{}\\ @ €       []           \u0300\\         \u0303',
  },
  'fr-CA': {
    id: 0xc0c,
    plain: '#1234567890-=qwertyuiop\u0302\u0327asdfghjkl;\u0300<«zxcvbnm,.é',
    shift: '|!"/$%?&*()_+QWERTYUIOP\u0302\u0308ASDFGHJKL:\u0300>»ZXCVBNM\'.É',
    altGr: '\\ @     ²³             []         ~{}       µ',
  },
  'fr-CH': {
    id: 0x100c,
    plain: "§1234567890'\u0302qwertzuiopè\u0308asdfghjkléà$<yxcvbnm,.-",
    shift: '°+"*ç%&/()=?\u0300QWERTZUIOPü!ASDFGHJKLöä£>YXCVBNM;:_',
    altGr: ' |@#   | ]} \u0303@ €       []          {}\\      µ',
  },
  'fr-FR': {
    id: 0x40c,
    plain: '²&é"\'(-è_çà)=azertyuiop\u0302$qsdfghjklmù*<wxcvbn,;:!',
    shift: '~1234567890°+AZERTYUIOP\u0308£QSDFGHJKLM%µ>WXCVBN?./§',
    altGr: '  ~#{[|`\\^@]}  €         @        µ  |',
  },
  'hu-HU': {
    id: 0x40e,
    plain: '0123456789öüóqwertzuiopőúasdfghjkléáűíyxcvbnm,.-',
    shift: '§\'"+!%/=()ÖÜÓQWERTZUIOPŐÚASDFGHJKLÉÁŰÍYXCVBNM?:_',
    altGr: ' ~ ^   `     \\|Ä   €Í  ÷×äđĐ[] íłŁ$ß¤<>#&@{}<;>*',
  },
  'it-IT': {
    id: 0x410,
    plain: "\\1234567890'ìqwertyuiopè+asdfghjklòàù<zxcvbnm,.-",
    shift: '|!"£$%&/()=?^QWERTYUIOPé*ASDFGHJKLç°§>ZXCVBNM;:_',
    altGr: '  ²³   {[]}`~@ €       []         @#        µ',
  },
  'ja-JP': {
    id: 0x411,
    plain: ' 1234567890-^qwertyuiop@[asdfghjkl;:]<zxcvbnm,./\\\\',
    shift: ' !"#$%&\'()~=~QWERTYUIOP`{ASDFGHJKL+*}>ZXCVBNM<>?_|',
    altGr: '                                     |',
  },
  'nb-NO': {
    id: 0x414,
    plain: "|1234567890+\\qwertyuiopå\u0308asdfghjkløæ'<zxcvbnm,.-",
    shift: '§!"#¤%&/()=?\u0300QWERTYUIOPÅ\u0302ASDFGHJKLØÆ*>ZXCVBNM;:_',
    altGr: '  @ $  {[]}  @ €        \u0303                   µ',
  },
  'nl-NL': {
    id: 0x413,
    plain: '@1234567890/°qwertyuiop\u0308*asdfghjkl+\u0301<]zxcvbnm,.-',
    shift: '§!"#$%&_()\'?\u0303QWERTYUIOP\u0302|ASDFGHJKL±\u0300>[ZXCVBNM;:=',
    altGr: '  ²³    {} \\ @ €       ~             |',
  },
  'pl-PL': {
    id: 0x415,
    plain: "`1234567890-=qwertyuiop[]asdfghjkl;'\\ zxcvbnm,./",
    shift: '~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"| ZXCVBNM<>?',
    altGr: '  ²³ €         ę     ó   ąś      ł   |żźć  ńµ',
  },
  'pt-BR': {
    id: 0x416,
    plain: "'1234567890-=qwertyuiop\u0301[asdfghjklç\u0303]\\zxcvbnm,.;/",
    shift: '"!@#$%\u0308&*()_+QWERTYUIOP\u0300{ASDFGHJKLÇ\u0302}|ZXCVBNM<>:?',
    altGr: '  ²³   {[]}\\                       ~        µ',
  },
  'pt-PT': {
    id: 0x816,
    plain: "\\1234567890'«qwertyuiop+\u0301asdfghjklçº\u0303<zxcvbnm,.-",
    shift: '|!"#$%&/()=?»QWERTYUIOP*\u0300ASDFGHJKLÇª\u0302>ZXCVBNM;:_',
    altGr: '  @    {[]}\\ @ €                     \\      µ',
  },
  'ro-RO': {
    id: 0x418,
    plain: "`1234567890-=qwertyuiop[]asdfghjkl;'\\\\zxcvbnm,./",
    shift: '~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"||ZXCVBNM<>?',
    altGr: '               €                     |',
  },
  'sv-SE': {
    id: 0x41d,
    plain: "§1234567890+\u0301qwertyuiopå\u0308asdfghjklöä'<zxcvbnm,.-",
    shift: '½!"#¤%&/()=?\u0300QWERTYUIOPÅ\u0302ASDFGHJKLÖÄ*>ZXCVBNM;:_',
    altGr: '  @ $€ {[]}\\ @ €        \u0303            |      µ',
  },
  'tr-TR': {
    id: 0x41f,
    plain: '"1234567890*-qwertyuıopğüasdfghjklşi,<zxcvbnmöç.',
    shift: "é!'^+%&/()=?_QWERTYUIOPĞÜASDFGHJKLŞİ;>ZXCVBNMÖÇ:",
    altGr: '<> #$  {[]}\\|@ €        ~           `|      µ',
  },
};
