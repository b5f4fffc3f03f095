"""
What the numbers behind C{errorstatus:} mean, and whether another try helps.

Devices hand through the +CMS ERROR code of their module: 3GPP TS 27.005
section 3.2.5, whose values below 128 are the RP causes of 3GPP TS 24.011
annex E. The seed says "usually it is equal to 1", which real devices send for
any failure, so 1 is not read as "unassigned number".
"""

from __future__ import annotations

from collections.abc import Mapping

#: Code to words. What is not here is shown by its number.
WORDS: Mapping[int, str] = {
    1: "the device could not send it (general error)",
    8: "the operator bars this SIM",
    10: "calls are barred",
    21: "the network rejected the short message",
    22: "the SIM's memory is full",
    27: "the destination is out of service",
    28: "the subscriber is not known in the network",
    29: "the facility was rejected",
    30: "the subscriber is not known",
    38: "the network is out of order, or the number is wrong",
    41: "temporary failure in the network",
    42: "the network is congested",
    47: "no resources in the network",
    50: "the SIM is not subscribed to this service",
    69: "the network does not offer this service",
    81: "the network lost track of this message",
    95: "the message was invalid",
    96: "mandatory information was invalid",
    97: "the network does not know this type of message",
    98: "the message came in the wrong state",
    99: "the network does not know part of the message",
    111: "protocol error in the network",
    127: "interworking error",
    128: "telematic interworking is not supported",
    129: "short messages of type 0 are not supported",
    130: "the short message cannot be replaced",
    143: "the protocol identifier was refused",
    144: "the alphabet is not supported",
    145: "the message class is not supported",
    159: "the data coding scheme was refused",
    160: "the command cannot be carried out",
    161: "the command is not supported",
    175: "the command was refused",
    176: "this kind of message is not supported",
    192: "the service centre is busy",
    193: "there is no subscription at the service centre",
    194: "failure of the service centre",
    195: "the destination is not valid for the service centre",
    196: "the destination's subscription is barred",
    197: "the service centre has this message already",
    198: "the form of the validity period is not supported",
    199: "the validity period is not supported",
    208: "the SIM's storage for SMS is full",
    209: "the SIM has no storage for SMS",
    210: "error in the handset",
    211: "the handset's memory is full",
    212: "the SIM's application is busy",
    213: "error while data were loaded into the SIM",
    255: "no cause was given",
    300: "the module failed",
    301: "the SMS service of the module is reserved",
    302: "the module does not allow it",
    303: "the module does not support it",
    304: "the module refused the message",
    305: "the module refused the text",
    310: "no SIM in the slot",
    311: "the SIM wants its PIN",
    312: "the SIM wants its personalisation PIN",
    313: "the SIM has failed",
    314: "the SIM is busy",
    315: "this is the wrong SIM",
    316: "the SIM wants its PUK",
    320: "the module's memory failed",
    321: "the module's memory index is wrong",
    322: "the module's memory is full",
    330: "the service centre's number is not known",
    331: "there is no network",
    332: "the network did not answer in time",
    340: "no acknowledgement was expected",
    500: "unknown error of the module",
}

#: Codes that no line and no later time will change: the number or the message
#: itself is wrong. Everything else may pass, or another SIM may do better.
PERMANENT = frozenset({28, 30, 95, 96, 97, 99, 143, 144, 145, 159, 176, 195, 196, 197, 304, 305})


def in_words(code: int) -> str:
    """A sentence for an error code."""
    return f"{WORDS.get(code, 'the device gave an error')} (code {code})"


def is_permanent(code: int) -> bool:
    """Whether trying again, here or on another line, is of no use."""
    return code in PERMANENT
