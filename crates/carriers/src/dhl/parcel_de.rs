//! The meanings of the event codes of DHL Parcel DE. Called by `dhl::codes`. `None` means that the code is not listed.
//!
//! 1. `statusDetailed` has three parts: event, reason, group. `HLDCC_LDPCK_LA` is "held for collection", "in a locker",
//!    "in storage". `status` has the group alone.
//! 2. The event decides. For some events the reason does. The list is DHL's of 2024.
//! 3. An integration sends the event alone, in small letters: `dlvrd`. The caller converts it to capitals.

use domain::{
    ConditionKind::*,
    Meaning::{self, Condition, Informational, Status},
    ShipmentStatus::*,
};

/// The events by meaning, whatever their reason.
const EVENTS: &[(Meaning, &str)] = &[
    // The carrier got the data, or an order to pick up.
    (Status(LabelCreated), "PARCV PURCR"),
    // Picked up, received from the customer.
    (Status(PickedUp), "PCKDU SHRCU"),
    (
        Status(InTransit),
        // Assigned and loaded, moved, unloaded, sorted; in clearance, relabelled, forwarded, handed to a partner.
        "ASMVT FWDCF HNDDE HNDND ICPRC INFCL ITBAR LDTHU LDTMV MVARR MVDPT OFWRD PBNDT RELBL REPCK ROUCR RSDCP \
         SECHK SRTED TRBCR ULFMV",
    ),
    // Held for collection; the customer was told so.
    (Status(AvailableForPickup), "CNRFC HLDCC"),
    (Status(Delivered), "DLVRD"),
    (Status(Cancelled), "CANCL"),
    // Loading and movement exceptions, misrouted, not assigned to a tour.
    (Condition(Delayed), "LDEXC MSRTD MVDEX MVTEX NTADT"),
    // Refused, not delivered. `NDELV` is the older code.
    (Condition(DeliveryAttemptFailed), "DLVRF NDELV NTDEL"),
    // Held because of an exception, for clearance, by customs.
    (Condition(Held), "EXPHD HLDCP HLDCU"),
    // Damage discovered; disposed of.
    (Condition(Damaged), "DMGDS DSPSD"),
    (Condition(Returning), "RETRN"),
    (Condition(Other), "ALERT CNFSC RCCLS"),
    // Announcements and checks, data without a parcel, not picked up at the sender's, payments, a deleted event.
    (Informational, "ADVIS CHECK DTNPC NTPUP PMTCR PMTCS STORN"),
];

/// The groups that decide where the event is not sent: picked up, handed over to DHL, attempt not successful.
const GROUPS: &[(Meaning, &str)] = &[(Status(PickedUp), "AE ES"), (Condition(DeliveryAttemptFailed), "ZN")];

/// The meaning of a code in capitals, with or without reason and group.
pub(super) fn find_meaning(code: &str) -> Option<Meaning> {
    let mut parts = code.split('_');
    let (event, reason, group) = (parts.next()?, parts.next().unwrap_or_default(), parts.next());
    let meaning = find_in_list(EVENTS, event)?;
    Some(match (event, reason) {
        // Loaded to the delivery vehicle. On the way to a locker or an outlet it is not out to the customer.
        ("LDTMV", "MVMTV" | "SECDA") if group == Some("PO") => Status(OutForDelivery),
        // Handed to an agent, to another carrier, to customs; the cash of a delivery was booked.
        ("DLVRD", "AGENT" | "HNDTC" | "CUSTM") => Status(InTransit),
        ("DLVRD", "CODAR" | "CODRP") => Informational,
        ("OFWRD", "RTSCR" | "RTSSA") | ("EXPHD", "RTTSP") => Condition(Returning),
        ("EXPHD" | "RCCLS", "LOSTX") => Condition(Lost),
        // Bad address, moved, company unknown, wrong receiver, wrong customer number.
        ("ALERT" | "EXPHD" | "LDEXC" | "NTDEL", "BDADD" | "MOVED" | "CPUNK" | "WRGRI" | "WRGPN") => {
            Condition(AddressIssue)
        }
        ("EXPHD" | "NTDEL", "DMGED" | "DMGPC" | "DMPHD") => Condition(Damaged),
        // No capacity, no driver, no vehicle, no time, force majeure: nobody tried to deliver.
        (
            "ALERT" | "EXPHD" | "NTDEL",
            "CAPEX" | "CRROT" | "DLVTM" | "DRCRU" | "EQUBF" | "FRMJR" | "NTIHU" | "STPRB" | "TCHBD" | "WRGTR",
        ) => Condition(Delayed),
        _ => meaning,
    })
}

/// The meaning of a group that is sent without its event.
pub(super) fn find_meaning_of_group(group: &str) -> Option<Meaning> {
    find_in_list(GROUPS, group)
}

fn find_in_list(list: &[(Meaning, &str)], code: &str) -> Option<Meaning> {
    list.iter().find(|(_, codes)| codes.split(' ').any(|listed| listed == code)).map(|(meaning, _)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_with_their_reasons_have_their_meaning() {
        for (expected, codes) in [
            (Status(LabelCreated), "PARCV_NRQRD_VA"),
            (Status(PickedUp), "PCKDU_PUBCR_AE SHRCU_PCKST_ES PCKDU"),
            (
                Status(InTransit),
                "LDTMV_PCKST_PO LDTMV_SERPT_PO LDTMV_MVMTV_AA SRTED_NRQRD_NB ULFMV_OARRV_EE LDTMV",
            ),
            (Status(InTransit), "DLVRD_HNDTC_ZU OFWRD_RDRCR_PO INFCL_NRQRD_LA"),
            (Status(OutForDelivery), "LDTMV_MVMTV_PO LDTMV_SECDA_PO"),
            (Status(AvailableForPickup), "HLDCC_LDPCK_LA HLDCC_SERPT_ZF HLDCC_HDFCT_LA CNRFC_PCKST_ZF"),
            (Status(Delivered), "DLVRD_ACCPT_ZU DLVRD_NGHBR_ZU DLVRD_ACCPK_ZU DLVRD"),
            (Condition(DeliveryAttemptFailed), "NTDEL_NHOME_ZN NTDEL_RFUSD_ZN DLVRF_NTORD_ZN NDELV"),
            (Condition(AddressIssue), "NTDEL_BDADD_ZN EXPHD_WRGRI_BV ALERT_BDADD_BV"),
            (Condition(Delayed), "NTDEL_CRROT_ZN MSRTD_NRQRD_BV MVTEX_FRMJR_BV EXPHD_CAPEX_PO"),
            (Condition(Held), "EXPHD_INSPT_BV HLDCU_NORSN_ZO"),
            (Condition(Damaged), "DMGDS_LDMGD_EE DSPSD_NTCLM_ZU NTDEL_DMGED_ZN"),
            (Condition(Lost), "EXPHD_LOSTX_BV RCCLS_LOSTX_ZN"),
            (Condition(Returning), "RETRN_NTCCN_ZN OFWRD_RTSCR_PO EXPHD_RTTSP_ZN"),
            (Informational, "ADVIS_DLVDT_DD NTPUP_NHOME_AN DLVRD_CODRP_GT"),
        ] {
            for code in codes.split(' ') {
                assert_eq!(find_meaning(code), Some(expected), "{code}");
            }
        }
        for other in ["", "LA", "OUT_FOR_DELIVERY", "LOAD_VEHICLE", "HLDCCX", "dlvrd"] {
            assert_eq!(find_meaning(other), None, "{other}");
        }
    }
}
