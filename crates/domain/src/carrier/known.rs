//! The well-known carriers, as data: code, name, tracking page, and how aggregators spell the name. `carrier.rs` and
//! `directory.rs` look carriers up; `None` means that the list does not have one.
//!
//! 1. The spellings are those of the lists that EasyPost, Shippo and AfterShip publish. Spellings that differ only in
//!    case, `-`, `_` and blanks are one, so a spelling is written here as letters and digits. The code itself is a
//!    spelling too.
//! 2. A carrier whose tracking page needs more than the number, such as the postal code, has no address here.
//! 3. The names of the built-in carriers may be followed by a service or a country: `FedExSmartPost`, `dhl_germany`.
//! 4. `known` makes an entry of the list. An empty address means that there is none.

use super::Carrier;

pub(super) struct KnownCarrier {
    pub code: &'static str,
    /// The name for people.
    pub name: &'static str,
    /// The address of the tracking page, with `{number}` in place of the number.
    pub url: Option<&'static str>,
    /// Further spellings, in lower-case letters and digits.
    pub spellings: &'static [&'static str],
}

const fn known(
    code: &'static str,
    name: &'static str,
    url: &'static str,
    spellings: &'static [&'static str],
) -> KnownCarrier {
    let url = if url.is_empty() { None } else { Some(url) };
    KnownCarrier { code, name, url, spellings }
}

#[rustfmt::skip]
pub(super) static CARRIERS: [KnownCarrier; 75] = [
    known("fedex", "FedEx", "https://www.fedex.com/fedextrack/?trknbr={number}", &["fx"]),
    known("ups", "UPS", "https://www.ups.com/track?tracknum={number}", &[]),
    known("usps", "USPS", "https://tools.usps.com/go/TrackConfirmAction?tLabels={number}", &[]),
    known("dhl", "DHL", "https://www.dhl.com/en/express/tracking.html?AWB={number}", &[]),
    // North America.
    known("amazon", "Amazon Logistics", "", &["amazonmws", "amazonshipping", "amazonlogistics", "amazonfba", "swiship"]),
    known("apc", "APC Postal Logistics", "", &["apcpostal", "apcpostallogistics"]),
    known("asendia", "Asendia", "https://tracking.asendia.com/tracking/{number}", &["asendiausa", "asendiaus", "asendiauk", "asendiade", "asendiahk"]),
    known("better_trucks", "Better Trucks", "", &[]),
    known("canada_post", "Canada Post", "https://www.canadapost-postescanada.ca/track-reperage/en#/details/{number}", &["postescanada"]),
    known("canpar", "Canpar Express", "", &["canparcourier", "canparexpress"]),
    known("cdl", "CDL Last Mile", "", &["columbuslastmile", "cdllastmile", "cdldelivers"]),
    known("estafeta", "Estafeta", "", &[]),
    known("gls_us", "GLS US", "", &["gso", "glsusa", "goldenstateovernight"]),
    known("jitsu", "Jitsu", "", &["axlehire", "axlehirev3"]),
    known("lasership", "LaserShip", "", &["lasershipv2"]),
    known("loomis", "Loomis Express", "", &["loomisexpress"]),
    known("lso", "Lone Star Overnight", "", &["lonestar", "lonestarovernight"]),
    known("ontrac", "OnTrac", "https://www.ontrac.com/tracking/?number={number}", &["ontracv3", "ontracdirectpost"]),
    known("osm_worldwide", "OSM Worldwide", "", &["osm"]),
    known("passport", "Passport", "", &["passportglobal", "passportshipping"]),
    known("pitney_bowes", "Pitney Bowes", "", &["newgistics", "pbi"]),
    known("purolator", "Purolator", "https://www.purolator.com/en/shipping/tracker?pin={number}", &["purolatorinternational"]),
    known("spee_dee", "Spee-Dee Delivery", "", &[]),
    known("uds", "United Delivery Service", "", &["uniteddeliveryservice"]),
    known("uniuni", "UniUni", "", &[]),
    known("veho", "Veho", "", &[]),
    // Great Britain and Ireland.
    known("an_post", "An Post", "https://www.anpost.com/Post-Parcels/Track/History?item={number}", &[]),
    known("dpd_uk", "DPD UK", "https://track.dpd.co.uk/parcels/{number}", &["interlinkexpress", "dpdlocal"]),
    known("evri", "Evri", "https://www.evri.com/track/parcel/{number}", &["hermesuk", "myhermesuk", "myhermes", "evriuk"]),
    known("parcelforce", "Parcelforce", "https://www.parcelforce.com/track-trace?trackNumber={number}", &["parcelforceworldwide", "parcelforceuk"]),
    known("royal_mail", "Royal Mail", "https://www.royalmail.com/track-your-item#/tracking-results/{number}", &["royalmailuk"]),
    known("yodel", "Yodel", "https://www.yodel.co.uk/tracking/{number}", &["yodelinternational"]),
    // The rest of Europe.
    known("austrian_post", "Austrian Post", "https://www.post.at/en/track?snr={number}", &["austrianpostregistered", "postat"]),
    known("bpost", "bpost", "https://track.bpost.cloud/btr/web/#/search?itemCode={number}", &["belgiumpost", "bpostinternational", "bpostbe"]),
    known("bring", "Bring", "https://sporing.bring.no/sporing.html?q={number}", &["postennorge", "posten"]),
    known("brt", "BRT", "", &["brtit", "bartolini", "brtbartolini"]),
    known("ceska_posta", "Česká pošta", "https://www.postaonline.cz/en/trackandtrace/-/zasilka/cislo?parcelNumbers={number}", &["czechpost"]),
    known("chronopost", "Chronopost", "https://www.chronopost.fr/tracking-no-cms/suivi-page?listeNumerosLT={number}", &["chronopostfrance", "chronopostfr"]),
    known("colis_prive", "Colis Privé", "", &[]),
    known("colissimo", "Colissimo", "https://www.laposte.fr/outils/suivre-vos-envois?code={number}", &["lapostecolissimo"]),
    known("correos", "Correos", "https://www.correos.es/es/es/herramientas/localizador/envios/detalle?tracking-number={number}", &["correosespana", "correoses", "spaincorreoses", "correosspain"]),
    known("ctt", "CTT", "https://appserver.ctt.pt/CustomerArea/PublicArea_Detail?ObjectCodeInput={number}", &["portugalctt", "cttportugal"]),
    known("deutsche_post", "Deutsche Post", "", &["deutschpost", "deutschepostuk", "deutschepostdhl"]),
    known("dpd", "DPD", "https://tracking.dpd.de/parcelstatus?query={number}&locale=en_DE", &[]),
    known("dpd_de", "DPD Germany", "https://tracking.dpd.de/parcelstatus?query={number}&locale=en_DE", &["dpdgermany"]),
    known("dpd_nl", "DPD Netherlands", "", &["dpdnetherlands"]),
    known("gls", "GLS", "https://gls-group.eu/EU/en/parcel-tracking?match={number}", &["glseurope"]),
    known("hermes_de", "Hermes Germany", "https://www.myhermes.de/empfangen/sendungsverfolgung/?suche={number}", &["hermesgermany", "hermesworld"]),
    known("inpost", "InPost", "https://inpost.pl/en/find-parcel?number={number}", &["inpostpaczkomaty", "inpostpoland"]),
    known("la_poste", "La Poste", "https://www.laposte.fr/outils/suivre-vos-envois?code={number}", &["lapostefr"]),
    known("mondial_relay", "Mondial Relay", "", &[]),
    known("packeta", "Packeta", "https://tracking.packeta.com/en/?id={number}", &["zasilkovna"]),
    known("poczta_polska", "Poczta Polska", "https://emonitoring.poczta-polska.pl/?numer={number}", &["polandpost"]),
    known("poste_italiane", "Poste Italiane", "https://www.poste.it/cerca/index.html#/risultati-spedizioni/{number}", &["posteitalianepaccocelere"]),
    known("posti", "Posti", "https://www.posti.fi/en/tracking#/lahetys/{number}", &["itellaposti", "finlandposti"]),
    known("postnl", "PostNL", "", &["postnl3s", "postnlinternational", "postnlinternational3s", "postnlparcels"]),
    known("postnord", "PostNord", "https://www.postnord.se/en/track-and-trace?shipmentId={number}", &["swedenposten", "danmarkpost", "denmarkpost", "postnordlogistics"]),
    known("seur", "SEUR", "https://www.seur.com/livetracking/?segOnlineIdentificador={number}", &["spanishseur"]),
    known("swiss_post", "Swiss Post", "https://service.post.ch/ekp-web/ui/entry/search/{number}", &["swisspostch"]),
    known("tnt", "TNT", "https://www.tnt.com/express/en_gb/site/shipping-tools/tracking.html?searchType=con&cons={number}", &["tntexpress", "tntuk", "tntfr", "tntit", "tntau"]),
    // Asia, the Pacific and South America.
    known("aramex", "Aramex", "https://www.aramex.com/us/en/track/results?mode=0&ShipmentNumber={number}", &[]),
    known("australia_post", "Australia Post", "https://auspost.com.au/mypost/track/details/{number}", &["auspost"]),
    known("cainiao", "Cainiao", "https://global.cainiao.com/newDetail.htm?mailNoList={number}", &["aliexpressstandardshipping"]),
    known("china_post", "China Post", "", &["chinaems", "chinaairpost"]),
    known("correios_br", "Correios", "https://rastreamento.correios.com.br/app/index.php?objeto={number}", &["brazilcorreios", "correios", "correiosbrazil"]),
    known("couriers_please", "CouriersPlease", "https://www.couriersplease.com.au/tools-track/no/{number}", &[]),
    known("delhivery", "Delhivery", "https://www.delhivery.com/track/package/{number}", &[]),
    known("hongkong_post", "Hongkong Post", "", &[]),
    known("japan_post", "Japan Post", "https://trackings.post.japanpost.jp/services/srv/search/direct?searchKind=S002&reqCodeNo1={number}&locale=en", &["jppost"]),
    known("new_zealand_post", "New Zealand Post", "https://www.nzpost.co.nz/tools/tracking/item/{number}", &["nzpost"]),
    known("sendle", "Sendle", "https://track.sendle.com/tracking?ref={number}", &[]),
    known("sf_express", "SF Express", "https://www.sf-express.com/we/ow/chn/en/waybill/detail/{number}", &["sfinternational"]),
    known("singapore_post", "Singapore Post", "https://www.singpost.com/track-items?track_number={number}", &["singpost"]),
    known("star_track", "StarTrack", "", &["startrackexpress"]),
    known("yamato", "Yamato Transport", "https://toi.kuronekoyamato.co.jp/cgi-bin/tneko?number01={number}", &["kuronekoyamato", "taqbinjp", "taqbin"]),
];

/// The entry of a carrier.
pub(super) fn find(carrier: Carrier) -> Option<&'static KnownCarrier> {
    CARRIERS.iter().find(|known| known.code == carrier.as_str())
}

/// The carrier that a spelling means. `key` is the spelling in lower-case letters and digits.
pub(super) fn find_spelling(key: &str) -> Option<&'static KnownCarrier> {
    let letters = |code: &'static str| code.bytes().filter(|byte| *byte != b'_');
    let is_spelling =
        |known: &&KnownCarrier| letters(known.code).eq(key.bytes()) || known.spellings.contains(&key);
    let built_in = &CARRIERS[..Carrier::BUILT_IN.len()];
    CARRIERS.iter().find(is_spelling).or_else(|| built_in.iter().find(|known| key.starts_with(known.code)))
}
